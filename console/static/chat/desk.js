// The chat desk: opens chats, draws the middle pane's frame, and knows the keys.
import { element } from '../lib/elements.js';
import { keepIcons } from '../lib/icons.js';
import { singleKey } from '../lib/keys.js';
import { say } from '../lib/texts.js';
import { letterOf } from '../palette/page.js';
import { base, on, one, root } from './page.js';
import { begin } from './connection.js';
import { walk } from './lists.js';
import { focus, setMode } from './composer.js';
import { isOpen, openReplies } from './canned.js';
import { ask, claim, openEnd, openTransfer } from './actions.js';
import { drawHead } from './conversation_head.js';
import { current, enter } from './rooms.js';
import './sidebar.js';
import { becomeAvailable } from './topbar.js';
import './alerts.js';

const PHONE = matchMedia('(max-width: 860px)');
const NEAR = 48;  // pixels from the end that still count as the end
const scroll = one('[data-scroll]');
const typingLine = element('div', 'desk-typing', element('div', 'msg msg-them', element('span', 'typing', element('i'), element('i'), element('i'))));
typingLine.setAttribute('aria-hidden', 'true');

// --- panes ----------------------------------------------------------------------------------------------------------

function pane(name) {
  root.dataset.pane = name;
  for (const tab of document.querySelectorAll('[data-to-pane]')) {
    const chosen = tab.dataset.toPane === name;
    tab.setAttribute('aria-selected', String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  if (name === 'chat') toEnd();
}
for (const tab of document.querySelectorAll('[data-to-pane]')) tab.addEventListener('click', () => pane(tab.dataset.toPane));
one('.desk-tabs').addEventListener('keydown', (event) => {
  const tabs = [...event.currentTarget.children];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  pane(next.dataset.toPane);
  next.focus();
});

export function openChat(number) {
  enter(number);
  history.replaceState(null, '', base + number);
  pane('chat');
}
on('open', openChat);

document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-chat], [data-open-chat]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openChat(link.dataset.chat ?? link.dataset.openChat);
  if (!PHONE.matches && !event.detail) focus();  // opened by keyboard: one goes on writing
});

// --- the conversation -----------------------------------------------------------------------------------------------

const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
let stuck = true;
function toEnd() {
  const room = current();
  if (room && room.scrolled === null) scroll.scrollTop = scroll.scrollHeight;
}
scroll.addEventListener('scroll', () => {
  const room = current();
  if (!room || !scroll.clientHeight) return;
  stuck = atEnd();
  room.scrolled = stuck ? null : scroll.scrollTop;
  if (stuck) { one('[data-below]').hidden = true; read(); }
});
new ResizeObserver(() => { if (stuck) toEnd(); }).observe(scroll);
new MutationObserver(() => { if (stuck) toEnd(); }).observe(scroll, { childList: true, subtree: true });
one('[data-below]').addEventListener('click', () => { scroll.scrollTop = scroll.scrollHeight; focus(); });

function read() {
  const room = current();
  const visible = !PHONE.matches || root.dataset.pane === 'chat';
  if (room && visible && room.scrolled === null) room.read();
}

function typing(room) {
  if (room !== current()) return;
  typingLine.hidden = room.typing.visitor < Date.now();
  typingLine.title = say('typing', { name: room.chat?.name ?? '' });
  meanwhile(room);
}

function meanwhile(room) {
  const other = room.typing.staff && room.typing.staff.until > Date.now() ? room.typing.staff.name : '';
  const words = room.meanwhile ? say('meanwhile', { name: room.meanwhile }) : other ? say('colleague_types', { name: other }) : '';
  one('[data-meanwhile]').hidden = !words;
  if (one('[data-meanwhile-words]').textContent !== words) one('[data-meanwhile-words]').textContent = words;
  one('[data-meanwhile-close]').hidden = !room.meanwhile;
}
one('[data-meanwhile-close]').addEventListener('click', () => { const room = current(); room.meanwhile = null; meanwhile(room); focus(); });

on('entered', (room, left) => {
  if (left) left.scrolled = stuck ? null : scroll.scrollTop;
  one('[data-nothing]').hidden = Boolean(room);
  one('[data-room]').hidden = !room;
  if (!room) return;
  stuck = room.scrolled === null;
  room.timeline.place.setAttribute('aria-label', say('log_of', { name: room.chat?.name ?? room.number }));
  const waits = room.loaded ? [] : [element('p', 'desk-loading muted', say('loading'))];
  scroll.replaceChildren(...waits, room.timeline.place, typingLine);
  if (room.loaded) room.timeline.markFreshAfter(room.isMine ? room.chat.seen : Infinity);
  if (room.scrolled !== null) scroll.scrollTop = room.scrolled;
  else toEnd();
  one('[data-below]').hidden = true;
  drawHead(room);
  typing(room);
  read();
});
on('room', (room) => {
  if (room !== current()) return;
  const line = scroll.querySelector('.desk-loading');
  if (line && room.loaded) line.remove();
  else if (line && room.failed) line.textContent = say('earlier_failed');
  drawHead(room);
  typing(room);
  read();
});
on('room:none', (room) => { if (room === current()) { enter(null); history.replaceState(null, '', base); pane('queue'); } });
on('message', (room, message) => {
  if (room !== current()) return;
  if (!stuck && message.kind === 'visitor') one('[data-below]').hidden = false;
  typing(room);
  read();
});
on('typing', typing);
on('sent', (room) => { room.scrolled = null; stuck = true; toEnd(); meanwhile(room); });
document.addEventListener('visibilitychange', read);
// A verification runs out without a word from the server.
one('[data-beside]').addEventListener('countdown:end', () => { if (current()) drawHead(current()); });

// --- keys -----------------------------------------------------------------------------------------------------------

const letters = {
  c: claim,
  j: () => walk(1),
  k: () => walk(-1),
  r: () => setMode('reply'),
  n: () => setMode('note'),
  t: openTransfer,
  v: ask,
  e: openEnd,
  a: becomeAvailable,
};
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') { if (!event.defaultPrevented) out(); return; }
  if (!singleKey(event) || event.repeat && !'jk'.includes(letterOf(event))) return;
  const act = event.key === '/' ? current() && openReplies : letters[letterOf(event)];
  if (!act) return;
  event.preventDefault();
  act();
});

/** Esc: out of the box to the conversation, from there to the list. */
function out() {
  if (isOpen() || document.querySelector('dialog[open], details[data-menu][open]')) return;
  const here = document.activeElement;
  if (here?.closest('[data-composer], [data-beside]')) scroll.focus();
  else if (current()) {
    if (PHONE.matches) pane('queue');
    (document.querySelector('.queue-row[aria-current]') ?? one('[data-lists]')).focus();
  }
}

// The conversation has a frame where one came to it with Tab. After Esc or a dialog the focus is there only for its keys.
scroll.addEventListener('keyup', ({ key, target }) => { if (key === 'Tab' && target === scroll) scroll.dataset.tabbed = ''; });
scroll.addEventListener('blur', () => delete scroll.dataset.tabbed);

pane(root.dataset.pane);
if (root.dataset.opened) openChat(root.dataset.opened);
keepIcons();
begin();
