// Canned replies on the desk, filled in by the server for the chat; those about an account stay shut until the person
// is verified.
import { REPLY, offersFor, replyLine, replyWords } from '../lib/completions.js';
import { get } from '../lib/http.js';
import { say } from '../lib/texts.js';
import { base, one } from './page.js';
import { current } from './rooms.js';

async function find(query, signal) {
  const url = new URL(`${base}${current().number}/replies`, location.origin);
  url.searchParams.set('q', query.trim());
  return (await get(url, signal)).items;
}

const replies = {
  key: 'reply',
  pattern: REPLY,
  asks: true,
  nothing: say('no_replies'),
  find,
  line: replyLine,
  words: replyWords,
  preview: (item) => item.body ?? item.locked_reason ?? '',
};

export const { isOpen, close, openReplies } = offersFor({
  text: one('[data-text]'),
  box: one('[data-offers]'),
  opener: one('[data-open-offers]'),
  kinds: () => (current() ? [replies] : []),
});
