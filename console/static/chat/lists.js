// The left pane: mine, the queue, all; who waits for how long; colleagues.
import { time } from '../lib/chat/parts.js';
import { button, element } from '../lib/elements.js';
import { icon } from '../lib/icons.js';
import { released } from '../lib/pressed.js';
import { count, say } from '../lib/texts.js';
import { base, storage, me, named, on, one, tell } from './page.js';
import { connected } from './connection.js';
import { current } from './rooms.js';
import { chats, desk, everything, filter, identity, knows, mine, myPresence, queue, setFilter, unread, waited } from './store.js';

const STEPS = [60, 180, 300];  // seconds: under one, three, five minutes, over
const SYMBOLS = ['circle', 'clock', 'half', 'alert'];
const SAYS_EVERY = 10_000;
const place = one('[data-lists]');
const tabs = [...document.querySelectorAll('[data-list]')];
const rows = new Map();        // "list:number" → li
let active = storage.get('list') ?? 'mine';

const lists = { mine, queue, all: everything };

export const order = () => [...place.querySelectorAll('.queue-row')];

// --- rows -----------------------------------------------------------------------------------------------------------

function row(key, chat) {
  const found = rows.get(key);
  if (found) return found;
  const link = element('a', 'queue-row', element('span', 'avatar'), element('span', 'queue-name'), element('span', 'wait'), element('span', 'queue-text truncate'), element('span', 'unread'));
  link.href = base + chat.chat;
  link.dataset.chat = chat.chat;
  link.querySelector('.avatar').setAttribute('aria-hidden', 'true');
  const line = element('li', '', link);
  rows.set(key, line);
  return line;
}

const initials = (name) => name.split(/\s+/).filter(Boolean).slice(0, 2).map((part) => [...part][0]).join('').toUpperCase();

function fill(line, chat) {
  const link = line.firstChild;
  const who = identity(chat);
  const signature = JSON.stringify([who, chat.preview, chat.last_by, chat.assignee?.id, chat.status, unread(chat), chat.department.id]);
  if (line.dataset.signature !== signature) {
    line.dataset.signature = signature;
    line.dataset.who = JSON.stringify(who);
    const [avatar, name, , text, badge] = link.children;
    avatar.replaceChildren(initials(who.name) || icon('user', 'icon icon-sm'));
    name.replaceChildren(element('span', 'truncate', element('bdi', '', who.name)));
    if (who.verified) name.append(icon('shield-check'), element('span', 'sr-only', `, ${say('verified')}`));
    const whose = chat.assignee && chat.assignee.id !== me ? `${chat.assignee.name.split(' ')[0]} · ` : '';
    const wrote = who.wrote ? [element('span', 'queue-wrote', say('wrote_as', { name: who.wrote })), ' · '] : [];
    text.replaceChildren(...wrote, ...(chat.last_by === 'visitor' ? [] : [element('b', '', chat.assignee?.id === me ? say('you') : ''), ' ']), whose, chat.preview);
    const fresh = unread(chat);
    badge.hidden = !fresh;
    badge.replaceChildren(fresh > 99 ? '99+' : String(fresh), element('span', 'sr-only', ` ${count('unread', fresh).replace(/^\D*\d+\s*/, '')}`));
    line.classList.toggle('is-unread', fresh > 0 || chat.status === 'queued');
    link.title = [chat.chat, named(chat.department), who.wrote && say('wrote_as', { name: who.wrote })].filter(Boolean).join(' · ');
  }
  link.toggleAttribute('aria-current', false);
  if (current()?.number === chat.chat) link.setAttribute('aria-current', 'true');
  tick(line, chat);
}

function tick(line, chat) {
  const wait = line.querySelector('.wait');
  const seconds = waited(chat);
  if (seconds < 0) {
    delete wait.dataset.step;
    wait.textContent = time(chat.last_at);
    return;
  }
  const step = STEPS.findIndex((most) => seconds < most);
  const place_ = step < 0 ? 4 : step + 1;
  if (wait.dataset.step !== String(place_) || !wait.querySelector('svg')) {
    wait.dataset.step = place_;
    wait.replaceChildren(icon(SYMBOLS[place_ - 1]), element('span', 'sr-only', `${say('waits')} `), element('span', ''));
  }
  wait.lastChild.textContent = clock(seconds);
}

function clock(seconds) {
  const two = (number) => String(number).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)}`;
}

// --- the lists ------------------------------------------------------------------------------------------------------

function list(name, found, used) {
  const made = place.querySelector(`ul[data-of="${name}"]`) ?? element('ul', 'queue');
  made.dataset.of = name;
  const lines = found.map((chat) => {
    const key = `${name}:${chat.chat}`;
    used.add(key);
    const line = row(key, chat);
    fill(line, chat);
    return line;
  });
  // Only what is out of its place is moved, so that the focus stays where it is.
  lines.forEach((line, index) => { if (made.children[index] !== line) made.insertBefore(line, made.children[index] ?? null); });
  while (made.children.length > lines.length) made.lastChild.remove();
  return made;
}

function draw() {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const used = new Set();
  const parts = [];
  const found = lists[active]();
  if (found.length) parts.push(list(active, found, used));
  else if (knows()) parts.push(nothing());
  if (active === 'mine') {
    const next = queue();
    if (next.length) parts.push(head(), list('next', next, used));
  }
  parts.forEach((part, index) => { if (place.children[index] !== part) place.insertBefore(part, place.children[index] ?? null); });
  while (place.children.length > parts.length) place.lastChild.remove();
  for (const key of rows.keys()) if (!used.has(key)) rows.delete(key);
  if (focused && document.activeElement !== focused) (place.contains(focused) ? focused : place).focus({ preventScroll: true });
  counts();
}

function head() {
  return place.querySelector('.queue-head') ?? element('div', 'queue-head', say('next_in_queue'));
}

function nothing() {
  const why = why_();
  const before = place.querySelector('.empty');
  if (before?.dataset.why === why.join()) return before;
  const [symbol, title, text, action] = why;
  const made = element('div', 'empty', icon(symbol), element('h2', '', say(title)), element('p', '', say(text)));
  made.dataset.why = why.join();
  if (action) {
    const way = button('btn btn-secondary btn-sm', () => { if (action !== 'next') setFilter(''); }, say(action === 'next' ? 'take_next' : 'show_all'));
    if (action === 'next') way.dataset.do = 'next';
    made.append(way);
  }
  return made;
}

function why_() {
  if (filter() && active !== 'mine' && chats.size) return ['filter', 'none_here', 'none_here_text', 'all'];
  if (active === 'all') return ['chat', 'none_all', 'none_all_text'];
  if (active === 'queue') return ['ok', 'none_queue', desk.hours?.open === false ? 'none_queue_closed' : 'none_queue_text'];
  if (queue().length) return ['chat', 'none_mine', 'none_mine_take', 'next'];
  return ['chat', 'none_mine', myPresence()?.state === 'available' ? 'none_mine_idle' : 'none_mine_away'];
}

let announced = null;
let announcedAt = 0;
let announcing = 0;
function counts() {
  const waiting = [...chats.values()].filter((chat) => chat.status === 'queued').length;
  const numbers = { mine: mine().length, queue: queue().length, all: everything().length };
  for (const [name, number] of Object.entries(numbers)) {
    const badge = one(`[data-count="${name}"]`);
    badge.textContent = String(number);
    if (name === 'queue') badge.classList.toggle('count-hot', number > 0);
  }
  const tab = one('[data-tab-count]');
  tab.textContent = String(waiting);
  tab.hidden = !waiting;
  const side = one('.side [data-go="l"] [data-badge]');
  if (side) {
    side.textContent = waiting > 99 ? '99+' : String(waiting);
    side.hidden = !waiting;
  }
  tell('waiting', waiting);
  if (knows() && waiting !== announced) announce(waiting);
}

/** Tell readers of the page the queue's count, at most every ten seconds. */
function announce(waiting) {
  clearTimeout(announcing);
  const late = announcedAt + SAYS_EVERY - Date.now();
  if (late > 0) { announcing = setTimeout(() => announce(waiting), late); return; }
  if (announced !== null) one('[data-queue-says]').textContent = waiting ? count('queue_says', waiting) : say('queue_empty_says');
  announced = waiting;
  announcedAt = Date.now();
}

let drawing = 0;
export function soon() {
  if (!drawing) drawing = requestAnimationFrame(async () => { await released(); drawing = 0; draw(); });
}

// --- what is chosen -------------------------------------------------------------------------------------------------

function choose(name, focus = false) {
  active = lists[name] ? name : 'mine';
  storage.set('list', active);
  for (const tab of tabs) {
    const chosen = tab.dataset.list === active;
    tab.setAttribute('aria-selected', String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) place.setAttribute('aria-labelledby', tab.id);
    if (chosen && focus) tab.focus();
  }
  draw();
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener('click', () => choose(tab.dataset.list));
  tab.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(tabs[(index + step + tabs.length) % tabs.length].dataset.list, true);
  });
}

function drawFilter() {
  for (const button of document.querySelectorAll('[data-department]')) {
    button.setAttribute('aria-pressed', String(button.dataset.department === filter()));
    if (button.dataset.department && button.dataset.department === filter()) one('[data-filtered-words]').textContent = button.textContent.trim();
  }
  one('[data-filtered]').hidden = !filter();
  one('[data-filter] summary').classList.toggle('is-on', Boolean(filter()));
}
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-department], [data-unfilter]');
  if (!button) return;
  setFilter(button.dataset.department ?? '');
  drawFilter();
  one('[data-filter]').open = false;
  if ('unfilter' in button.dataset) one('[data-filter] summary').focus();
});

// --- colleagues -----------------------------------------------------------------------------------------------------

function colleagues() {
  const others = desk.presence.filter((other) => other.id !== me);
  const free = others.filter((other) => other.here && other.state === 'available').length;
  one('[data-colleagues]').hidden = !others.length;
  one('[data-colleagues-count]').textContent = count('colleagues_free', free);
  one('[data-colleagues-list]').replaceChildren(...others.sort((a, b) => b.here - a.here).map((other) => {
    const state = other.here ? say(other.state) : say('gone');
    const line = element('li', '', element('span', mark(other)), element('span', 'grow truncate', other.name), element('small', 'muted', [state, other.here && other.reason].filter(Boolean).join(', ')), element('small', 'num', say('load', { active: other.active, capacity: desk.rules.capacity })));
    return line;
  }));
}

export const mark = (person) => `presence${person.here ? { busy: ' presence-busy', away: ' presence-away' }[person.state] ?? '' : ' presence-off'}`;

on('lists', soon);
on('entered', soon);
on('line', () => { if (!connected()) place.setAttribute('data-old', ''); else place.removeAttribute('data-old'); });
on('top', colleagues);
setInterval(() => {
  for (const [key, line] of rows) {
    const chat = chats.get(key.split(':')[1]);
    if (!chat) continue;
    if (line.dataset.who === JSON.stringify(identity(chat))) tick(line, chat);
    else fill(line, chat);  // a verification ran out
  }
}, 1000);
drawFilter();
choose(active);

/** Go to the next or the previous row. */
export function walk(step) {
  const all = order();
  if (!all.length) return;
  const here = all.findIndex((link) => link === document.activeElement);
  const at = here >= 0 ? here : all.findIndex((link) => link.dataset.chat === current()?.number);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step));
  all[next].focus();
}
