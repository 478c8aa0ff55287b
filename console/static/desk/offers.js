// Canned replies, offered after "/" and filled in by the server for this chat; those about an account stay shut
// until the person is verified.
import { element } from '../chat/parts.js';
import { toast } from '../dialogs.js';
import { base, one, say } from './ground.js';
import { current } from './rooms.js';

const TOKEN = /(?:^|\s)\/([^\n/]{0,40})$/;
const WAIT = 120;
const text = one('[data-text]');
const box = one('[data-offers]');
const list = one('[data-offers-list]');
const preview = one('[data-offers-preview]');
const none = one('[data-offers-none]');
let open = null;     // {start, query, items, at, room}
let dismissed = -1;  // where Esc was pressed
let timer = 0;
let asking = null;

function token() {
  if (text.selectionStart !== text.selectionEnd) return null;
  const found = TOKEN.exec(text.value.slice(0, text.selectionStart));
  return found && { query: found[1], start: text.selectionStart - found[1].length - 1 };
}

function look() {
  const found = current() ? token() : null;
  if (!found || found.start === dismissed) {
    if (!found) dismissed = -1;
    return close();
  }
  if (open?.start === found.start && open.query === found.query && open.items) return undefined;
  open = { ...found, items: open?.items ?? null, at: 0, room: current() };
  clearTimeout(timer);
  timer = setTimeout(ask, open.items ? WAIT : 0);
  return undefined;
}

async function ask() {
  const wanted = open;
  if (!wanted) return;
  asking?.abort();
  asking = new AbortController();
  const url = new URL(`${base}${wanted.room.number}/replies`, location.origin);
  url.searchParams.set('q', wanted.query.trim());
  const answer = await fetch(url, { headers: { Accept: 'application/json' }, signal: asking.signal }).then((told) => (told.ok ? told.json() : null)).catch(() => null);
  if (open !== wanted || !answer) return;
  open.items = answer.items;
  if (!open.items.length && /\s/.test(wanted.query)) { close(); return; }  // a slash in a sentence is a slash
  draw();
}

function draw() {
  box.hidden = false;
  text.setAttribute('aria-controls', 'desk-offers');
  none.hidden = open.items.length > 0;
  none.textContent = say('no_replies');
  list.hidden = !open.items.length;
  list.replaceChildren(...open.items.map((item, index) => {
    const line = element('li', `offer${item.locked ? ' is-locked' : ''}`, element('span', 'offer-title', item.title), element('span', 'mono muted', `/${item.shortcut}`), element('span', 'muted offer-category', item.locked ? say('after_verification') : item.category));
    line.id = `desk-offer-${index}`;
    line.setAttribute('role', 'option');
    line.addEventListener('mousedown', (event) => { event.preventDefault(); mark(index); put(); });
    line.addEventListener('mousemove', () => { if (open && open.at !== index) mark(index); });
    return line;
  }));
  mark(0);
}

function mark(index) {
  open.at = index;
  [...list.children].forEach((line, place) => line.setAttribute('aria-selected', String(place === index)));
  const item = open.items[index];
  list.children[index]?.scrollIntoView({ block: 'nearest' });
  if (item) text.setAttribute('aria-activedescendant', `desk-offer-${index}`);
  else text.removeAttribute('aria-activedescendant');
  preview.hidden = !item;
  preview.textContent = item ? item.body ?? item.locked_reason ?? '' : '';
}

function put() {
  const item = open?.items?.[open.at];
  if (!item) return;
  if (item.locked) { toast(item.locked_reason); return; }
  text.setSelectionRange(open.start, text.selectionStart);
  close();
  // Typed, not set: so that it can be undone like typing.
  if (!document.execCommand('insertText', false, item.body)) {
    text.setRangeText(item.body, text.selectionStart, text.selectionEnd, 'end');
    text.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

export const isOpen = () => open !== null;

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
text.addEventListener('blur', close);
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
one('[data-open-offers]').addEventListener('click', openReplies);
