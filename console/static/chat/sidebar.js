// The right pane: the server writes it, as far as the verification of this chat opens it.
import { toast } from '../lib/dialogs.js';
import { button, element } from '../lib/elements.js';
import { getText, post } from '../lib/http.js';
import { now, refresh } from '../lib/times.js';
import { checkPin } from '../lib/verification.js';
import { say } from '../lib/texts.js';
import { base, on, one } from './page.js';
import { current } from './rooms.js';

const place = one('[data-beside]');
const empty = place.firstElementChild;
const folded = new Map();  // what was opened and closed by hand
let asking = null;
let drawnFor = '';

async function load(room) {
  asking?.abort();
  const mine = asking = new AbortController();
  const answer = await getText(`${base}${room.number}/side`, { signal: mine.signal }).catch(() => null);
  if (mine.signal.aborted || current() !== room) return;
  if (answer === null) { if (drawnFor !== room.number) failed(room); return; }
  draw(room, answer);
}

function draw(room, html) {
  const again = drawnFor === room.number;
  const typed = again ? place.querySelector('[data-verify] [name="email"]')?.value : '';
  const message = again ? place.querySelector('[data-notice]:not([hidden])')?.innerHTML : '';
  const focused = again && place.contains(document.activeElement) ? document.activeElement : null;
  const top = again ? place.scrollTop : 0;
  const template = document.createElement('template');
  template.innerHTML = html;  // written by our server, which escapes what is not its own
  for (const fold of template.content.querySelectorAll('[data-keep]')) if (folded.has(fold.dataset.keep)) fold.open = folded.get(fold.dataset.keep);
  place.replaceChildren(template.content);
  drawnFor = room.number;
  place.scrollTop = top;
  const form = place.querySelector('[data-verify]');
  if (form && typed) form.elements.email.value = typed;
  if (form && message) Object.assign(form.querySelector('[data-notice]'), { innerHTML: message, hidden: false });
  if (focused) (focused.id && document.getElementById(focused.id) || (focused.dataset?.do && place.querySelector(`[data-do="${focused.dataset.do}"]`)) || place).focus({ preventScroll: true });
  refresh();
  left();
}

function failed(room) {
  place.replaceChildren(element('p', 'empty', `${say('side_failed')} `, button('btn btn-secondary btn-sm', () => load(room), say('retry'))));
  drawnFor = '';
}

function left() {
  for (const bar of place.querySelectorAll('[data-left]')) bar.value = Math.max(0, (Date.parse(bar.dataset.until) - now()) / 1000);
}
setInterval(left, 10_000);

let soon = 0;
function again(room) {
  if (room !== current()) return;
  clearTimeout(soon);
  soon = setTimeout(() => { if (current() === room) load(room); }, 60);
}

place.addEventListener('click', (event) => {
  const fold = event.target.closest('summary')?.parentElement;
  if (fold?.dataset.keep) folded.set(fold.dataset.keep, !fold.open);
});
place.addEventListener('countdown:end', () => { if (current()) again(current()); });

place.addEventListener('submit', async (event) => {
  const form = event.target;
  event.preventDefault();
  const room = current();
  const button = form.querySelector('button');
  if (button.disabled) return;
  button.disabled = true;
  try {
    if ('verify' in form.dataset) await checkPin(form);
    else await post(form.action, new FormData(form));
  } catch (refused) {
    toast(refused.message);
  } finally { button.disabled = false; }
  if (room) again(room);
});

on('entered', (room) => {
  if (!room) { asking?.abort(); drawnFor = ''; place.replaceChildren(empty); return; }
  if (drawnFor !== room.number) place.setAttribute('aria-busy', 'true');
  load(room).finally(() => place.removeAttribute('aria-busy'));
});
on('about', again);
on('arrived', () => { if (current()) again(current()); });
