// What is offered while one answers a ticket: canned replies after "/", in a note colleagues after "@", too.
import { REPLY, offersFor, replyLine, replyWords } from '../../lib/completions.js';
import { element } from '../../lib/elements.js';
import { get } from '../../lib/http.js';
import { say } from '../../lib/texts.js';
import { base } from './context.js';

const LEAST = 180;  // a lower list opens above the text instead
const form = document.getElementById('composer');
const plain = (value) => value.normalize('NFD').replace(/\p{M}/gu, '').replace(/đ/gi, 'dj').toLowerCase();
let known;

async function findReplies(query, signal) {
  const url = new URL(form.dataset.replies, location.origin);
  url.searchParams.set('q', query.trim());
  return (await get(url, signal)).items;
}

async function findColleagues(query) {
  known ??= get(`${base}/colleagues`);
  const term = plain(query);
  const { items } = await known.catch((error) => { known = null; throw error; });
  return items.filter((one) => plain(one.handle).startsWith(term) || plain(one.name).split(/\s+/).some((part) => part.startsWith(term))).slice(0, 8);
}

const replies = {
  key: 'reply',
  pattern: REPLY,
  asks: true,
  nothing: say('no_replies'),
  find: findReplies,
  line: replyLine,
  words: replyWords,
  preview: (item) => item.body ?? item.locked_reason ?? '',
};
const colleagues = {
  key: 'colleague',
  pattern: /(?:^|[\s(])@([\p{L}\p{N}._-]{0,40})$/u,
  nothing: say('no_colleagues'),
  find: findColleagues,
  line: (item) => [element('span', 'offer-title', item.name), element('span', 'mono muted', `@${item.handle}`)],
  words: (item) => `@${item.handle} `,
};

/** Over the composer, as high as there is room below the bar at the top. */
function place(box) {
  const room = form.getBoundingClientRect().top - document.querySelector('.topbar').offsetHeight - 8;
  box.dataset.place = room < LEAST ? 'over' : 'above';
  box.style.setProperty('--room', `${Math.max(room, 0)}px`);
}

export const { isOpen, openReplies } = offersFor({
  text: form.elements.body,
  box: form.querySelector('[data-offers]'),
  opener: form.querySelector('[data-open-offers]'),
  kinds: () => (form.dataset.mode === 'note' ? [colleagues, replies] : [replies]),
  place,
});
