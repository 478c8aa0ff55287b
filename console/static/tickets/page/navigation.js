// From ticket to ticket: the list one came from, its next, its previous, and back.
import { toast } from '../../lib/dialogs.js';
import { get } from '../../lib/http.js';
import { later } from '../../lib/sent.js';
import { say } from '../../lib/texts.js';
import { number, root } from './context.js';

const KEY = 'desk:list';  // written by tickets.js: the list's address and the tickets in it
const PART = 100;

function storedList() {
  const found = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
  return found ?? { url: root.dataset.list, numbers: [] };
}

function keep(list) {
  sessionStorage.setItem(KEY, JSON.stringify(list));
}

const address = (which) => new URL(which, new URL(root.dataset.base, location.origin)).href;

/** Return the ticket after this one: of the list as it was, then of the list as it is now. */
async function following() {
  const list = storedList();
  const at = list.numbers.indexOf(number);
  if (at >= 0 && at < list.numbers.length - 1) return list.numbers[at + 1];
  const url = new URL(list.url, location.origin);
  url.searchParams.delete('page');
  url.searchParams.set('page_size', PART);
  const { items } = await get(url).catch(() => ({ items: [] }));
  const now = items.map((item) => item.number);
  const had = new Set([...list.numbers, number]);
  const reached = Math.max(-1, ...[...had].map((known) => now.indexOf(known)));
  const fresh = now.slice(reached + 1).filter((known) => !had.has(known));
  const rest = fresh.length ? fresh : now.filter((known) => !had.has(known));
  if (!rest.length) return null;
  keep({ ...list, numbers: [...(at < 0 ? [...list.numbers, number] : list.numbers), ...rest] });
  return rest[0];
}

function before() {
  const { numbers } = storedList();
  return numbers[numbers.indexOf(number) - 1] ?? null;
}

export async function next() {
  const found = await following();
  if (found) location.assign(address(found));
  else toast(say('no_next'));
}

export function previous() {
  const found = before();
  if (found) location.assign(address(found));
  else toast(say('first'));
}

export function back() {
  location.assign(storedList().url);
}

/** Go on after an answer: to the next ticket, from the last one back to the list. */
export async function goOn() {
  const found = await following();
  if (!found) later(say('last'));
  location.assign(found ? address(found) : storedList().url);
}

function draw() {
  const { url, numbers } = storedList();
  const at = numbers.indexOf(number);
  for (const link of document.querySelectorAll('[data-way-back]')) link.href = url;
  const way = document.querySelector('[data-way]');
  way.hidden = at < 0;
  if (at < 0) return;
  way.querySelector('[data-way-place]').textContent = say('position', { place: at + 1, all: numbers.length });
  const [first, second] = [way.querySelector('[data-way-previous]'), way.querySelector('[data-way-next]')];
  if (at > 0) first.href = address(numbers[at - 1]);
  else first.setAttribute('aria-disabled', 'true');
  if (at < numbers.length - 1) second.href = address(numbers[at + 1]);
  else second.href = '#next';
}

draw();
addEventListener('pageshow', draw);
document.addEventListener('click', (event) => {
  if (!event.target.closest('[data-way-next][href="#next"]')) return;
  event.preventDefault();
  next();
});
addEventListener('pagehide', () => sessionStorage.setItem('desk:at', number));

