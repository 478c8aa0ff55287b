// The reply that was just sent: ten seconds to take it back, on whatever page of the desk one is by then.
import { toast } from './dialogs.js';
import { button, element } from './elements.js';
import { icon } from './icons.js';
import { post } from './http.js';
import { singleKey } from './keys.js';
import { letterOf } from '../palette/page.js';
import { say } from './texts.js';
import { now } from './times.js';

const SENT = 'desk:sent', LATER = 'desk:say';
const HELD = 10_000;
let line, ticking;

const storedReply = () => JSON.parse(sessionStorage.getItem(SENT) ?? 'null');

/** Say something on the page that comes next. */
export function later(text) {
  sessionStorage.setItem(LATER, text);
}

/** Note what was sent: {number, url, message, until}. */
export function sent(reply) {
  sessionStorage.setItem(SENT, JSON.stringify(reply));
  show();
}

function clear() {
  sessionStorage.removeItem(SENT);
  clearInterval(ticking);
  line?.remove();
  line = null;
}

function show() {
  const reply = storedReply();
  clearInterval(ticking);
  line?.remove();
  line = null;
  if (!reply || reply.until <= now()) return clear();
  const left = element('b', 'num');
  left.setAttribute('aria-hidden', 'true');  // a countdown is not read out
  const [start, end = ''] = say('reply_leaves', { number: '#' }).split('#');
  const words = element('span', 'grow', start, element('b', 'ref', reply.number), `${end} `, left);
  const back = button('btn btn-sm', takeBack, say('take_back'));
  back.title = 'Z';
  back.setAttribute('aria-keyshortcuts', 'Z');
  const bar = element('span', 'toast-time');
  bar.style.animationDelay = `${reply.until - now() - HELD}ms`;
  line = element('div', 'toast toast-sent', icon('send'), words, back, bar);
  document.querySelector('[data-toasts]').append(line);
  const tick = () => {
    const seconds = Math.ceil((reply.until - now()) / 1000);
    if (seconds <= 0) clear();
    else left.textContent = `${seconds} s`;
  };
  tick();
  ticking = setInterval(tick, 250);
}

/** Take back what was sent last; its text is a draft again. Tells whether there was anything to take back. */
export async function takeBack() {
  const reply = storedReply();
  if (!reply || reply.until <= now()) return false;
  clear();
  try {
    takenBack(reply, await post(`${reply.url}/take-back`, { message: reply.message }));
  } catch (refused) { toast(refused.message); }
  return true;
}

function takenBack(reply, detail) {
  const page = document.getElementById('ticket');
  if (page?.dataset.number === reply.number) page.dispatchEvent(new CustomEvent('ticket:taken-back', { detail }));
  else {
    later(say('taken_back'));
    location.assign(`${reply.url}#composer`);
  }
}

document.addEventListener('keydown', (event) => {
  if (!singleKey(event) || letterOf(event) !== 'z' || !storedReply()) return;
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
