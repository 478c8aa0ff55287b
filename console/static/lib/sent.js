// The reply that was just sent: ten seconds to take it back, on whatever page of the desk one is by then.
import { toast } from './dialogs.js';
import { singleKey } from './keys.js';
import { letterOf } from '../palette/page.js';
import { say } from './texts.js';
import { now } from './times.js';

const SENT = 'desk:sent', LATER = 'desk:say';
const HELD = 10_000;
const ICONS = document.getElementById('palette')?.dataset.icons ?? '';
let line, ticking;

const kept = () => JSON.parse(sessionStorage.getItem(SENT) ?? 'null');

/** Say something on the page that comes next. */
export function later(text) {
  sessionStorage.setItem(LATER, text);
}

/** Note what was sent: {number, url, message, until}. */
export function sent(reply) {
  sessionStorage.setItem(SENT, JSON.stringify(reply));
  show();
}

function forget() {
  sessionStorage.removeItem(SENT);
  clearInterval(ticking);
  line?.remove();
  line = null;
}

function part(tag, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
}

function symbol(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.classList.add('icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

function show() {
  const reply = kept();
  clearInterval(ticking);
  line?.remove();
  line = null;
  if (!reply || reply.until <= now()) return forget();
  const left = part('b', { className: 'num' });
  left.setAttribute('aria-hidden', 'true');  // a countdown is not read out
  const [start, end = ''] = say('reply_leaves').split('%(number)s');
  const words = part('span', { className: 'grow' }, start, part('b', { className: 'ref', textContent: reply.number }), `${end} `, left);
  const button = part('button', { type: 'button', className: 'btn btn-sm', textContent: say('take_back'), title: 'Z' });
  button.setAttribute('aria-keyshortcuts', 'Z');
  button.addEventListener('click', takeBack);
  const bar = part('span', { className: 'toast-time' });
  bar.style.animationDelay = `${reply.until - now() - HELD}ms`;
  line = part('div', { className: 'toast toast-sent' }, symbol('send'), words, button, bar);
  document.querySelector('[data-toasts]').append(line);
  const tick = () => {
    const seconds = Math.ceil((reply.until - now()) / 1000);
    if (seconds <= 0) forget();
    else left.textContent = `${seconds} s`;
  };
  tick();
  ticking = setInterval(tick, 250);
}

/** Take back what was sent last; its text is a draft again. Tells whether there was anything to take back. */
export async function takeBack() {
  const reply = kept();
  if (!reply || reply.until <= now()) return false;
  forget();
  const body = new FormData();
  body.append('message', reply.message);
  const headers = { Accept: 'application/json', 'X-CSRFToken': document.querySelector('meta[name="csrf-token"]').content };
  const answer = await fetch(`${reply.url}/take-back`, { method: 'POST', body, headers }).catch(() => null);
  const told = await answer?.json().catch(() => ({}));
  if (!answer?.ok) toast(told?.error?.message || say('failed'));
  else if (document.getElementById('ticket')?.dataset.number === reply.number) {
    document.getElementById('ticket').dispatchEvent(new CustomEvent('ticket:taken-back', { detail: told }));
  } else {
    later(say('taken_back'));
    location.assign(`${reply.url}#composer`);
  }
  return true;
}

document.addEventListener('keydown', (event) => {
  if (!singleKey(event) || letterOf(event) !== 'z' || !kept()) return;
  event.preventDefault();
  takeBack();
});

function begin() {
  show();
  const words = sessionStorage.getItem(LATER);
  if (!words) return;
  sessionStorage.removeItem(LATER);
  toast(words);
}
begin();
addEventListener('pageshow', (event) => { if (event.persisted) begin(); });
