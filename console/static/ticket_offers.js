// What is offered while one writes: canned replies after "/", colleagues after "@" in a note.
import { toast } from './dialogs.js';
import { ask, base, say } from './ticket_ground.js';

const WAIT = 120;
const LEAST = 180;  // a lower list stands over the text instead
const REPLY = /(?:^|\s)\/([^\n/]{0,40})$/;
const COLLEAGUE = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,40})$/u;
const form = document.getElementById('composer');
const text = form.elements.body;
const box = form.querySelector('[data-offers]');
const list = box.querySelector('[data-offers-list]');
const preview = box.querySelector('[data-offers-preview]');
const none = box.querySelector('[data-offers-none]');
const ICONS = document.getElementById('palette').dataset.icons;
const plain = (value) => value.normalize('NFD').replace(/\p{M}/gu, '').replace(/đ/gi, 'dj').toLowerCase();

let open = null;  // {kind, start, query, items, at}
let dismissed = -1;  // where Esc was pressed
let timer, asking, colleagues;

export const isOpen = () => open !== null;

function token() {
  if (text.selectionStart !== text.selectionEnd) return null;
  const before = text.value.slice(0, text.selectionStart);
  const kinds = form.dataset.mode === 'note' ? [['colleague', COLLEAGUE], ['reply', REPLY]] : [['reply', REPLY]];
  for (const [kind, pattern] of kinds) {
    const found = pattern.exec(before);
    if (found) return { kind, query: found[1], start: before.length - found[1].length - 1 };
  }
  return null;
}

function look() {
  const found = token();
  if (!found || found.start === dismissed) {
    if (!found) dismissed = -1;
    return close();
  }
  const same = open?.kind === found.kind && open.start === found.start && open.query === found.query && open.items;
  open = same ? open : { ...found, items: open?.kind === found.kind ? open.items : null, at: 0 };
  if (same) return;
  clearTimeout(timer);
  timer = setTimeout(fetchOffers, found.kind === 'reply' && open.items ? WAIT : 0);
}

async function fetchOffers() {
  const wanted = open;
  if (!wanted) return;
  asking?.abort();
  asking = new AbortController();
  const items = await (wanted.kind === 'reply' ? replies(wanted.query, asking.signal) : named(wanted.query)).catch(() => null);
  if (open !== wanted || items === null) return;
  open.items = items;
  open.at = 0;
  if (!items.length && /\s/.test(wanted.query)) return close();  // a slash in a sentence is a slash
  draw();
}

async function replies(query, signal) {
  const url = new URL(form.dataset.replies, location.origin);
  url.searchParams.set('q', query.trim());
  return (await ask(url, signal)).items;
}

async function named(query) {
  colleagues ??= ask(`${base}/colleagues`);
  const wanted = plain(query);
  const { items } = await colleagues.catch((error) => { colleagues = null; throw error; });
  return items.filter((one) => plain(one.handle).startsWith(wanted) || plain(one.name).split(/\s+/).some((part) => part.startsWith(wanted))).slice(0, 8);
}

const part = (tag, className, ...inside) => {
  const element = Object.assign(document.createElement(tag), { className });
  element.append(...inside.filter(Boolean));
  return element;
};

function draw() {
  box.hidden = false;
  box.dataset.kind = open.kind;
  const room = form.getBoundingClientRect().top - document.querySelector('.topbar').offsetHeight - 8;
  box.dataset.place = room < LEAST ? 'over' : 'above';
  box.style.setProperty('--room', `${Math.max(room, 0)}px`);
  text.setAttribute('aria-controls', 'offers');
  none.hidden = open.items.length > 0;
  none.textContent = say(open.kind === 'reply' ? 'no_replies' : 'no_colleagues');
  list.hidden = !open.items.length;
  list.replaceChildren(...open.items.map(drawOne));
  mark(0);
}

function drawOne(item, index) {
  const line = open.kind === 'reply'
    ? part('li', 'offer', part('span', 'offer-title', item.title), part('span', 'mono muted', `/${item.shortcut}`), part('span', 'muted offer-category', item.category))
    : part('li', 'offer', part('span', 'offer-title', item.name), part('span', 'mono muted', `@${item.handle}`));
  line.id = `offer-${index}`;
  line.setAttribute('role', 'option');
  line.classList.toggle('is-locked', item.locked === true);
  if (item.locked) {
    line.prepend(lock());
    line.append(part('span', 'sr-only', item.locked_reason));
  }
  line.addEventListener('mousedown', (event) => { event.preventDefault(); mark(index); put(); });
  line.addEventListener('mousemove', () => { if (open?.at !== index) mark(index); });
  return line;
}

function lock() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon icon-sm');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS('http://www.w3.org/2000/svg', 'use'));
  svg.firstChild.setAttribute('href', `${ICONS}#lock`);
  return svg;
}

function mark(index) {
  open.at = index;
  for (const [place, line] of [...list.children].entries()) line.setAttribute('aria-selected', String(place === index));
  const item = open.items[index];
  list.children[index]?.scrollIntoView({ block: 'nearest' });
  if (item) text.setAttribute('aria-activedescendant', `offer-${index}`);
  else text.removeAttribute('aria-activedescendant');
  preview.hidden = open.kind !== 'reply' || !item;
  preview.textContent = item ? item.body ?? item.locked_reason ?? '' : '';
}

function put() {
  const item = open?.items?.[open.at];
  if (!item) return;
  if (item.locked) return toast(item.locked_reason);
  const words = open.kind === 'reply' ? item.body : `@${item.handle} `;
  text.setSelectionRange(open.start, text.selectionStart);
  close();
  // Typed, not set: so that it can be undone like typing.
  if (!document.execCommand('insertText', false, words)) {
    text.setRangeText(words, text.selectionStart, text.selectionEnd, 'end');
    text.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

export function close() {
  open = null;
  clearTimeout(timer);
  box.hidden = true;
  text.removeAttribute('aria-activedescendant');
  text.removeAttribute('aria-controls');
}

/** Offer canned replies where the cursor is. */
export function openReplies() {
  text.focus();
  const before = text.value.slice(0, text.selectionStart);
  dismissed = -1;
  if (!token()) document.execCommand('insertText', false, before && !/\s$/.test(before) ? ' /' : '/');
  look();
}

text.addEventListener('input', look);
text.addEventListener('click', look);
text.addEventListener('blur', () => close());
text.addEventListener('keydown', (event) => {
  if (!open || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const many = open.items?.length ?? 0;
  if (event.key === 'Escape') {
    dismissed = open.start;
    close();
  } else if (event.key === 'ArrowDown' && many) mark((open.at + 1) % many);
  else if (event.key === 'ArrowUp' && many) mark((open.at + many - 1) % many);
  else if (event.key === 'Enter' && open.items === null) { /* they are on their way */ }
  else if ((event.key === 'Enter' || event.key === 'Tab') && many && !event.shiftKey) put();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
});
form.querySelector('[data-open-offers]').addEventListener('click', openReplies);
