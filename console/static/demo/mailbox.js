// New mail appears automatically; an open mail stays open.
import { get, getText } from '../lib/http.js';
import { released } from '../lib/pressed.js';
import { say } from '../lib/texts.js';

const EVERY = 4_000;
const box = document.querySelector('[data-box]');
const message = box.querySelector('[data-box-notice]');
let newest = Number(box.querySelector('[data-box-list]').dataset.newest);
let known = null;

async function look() {
  if (document.hidden) return;
  const { items } = await get(location.href);
  const now = items.map((item) => item.id).join();
  if (known === null) known = [...box.querySelectorAll('[data-mail]')].map((link) => link.dataset.mail).join();
  if (now === known) return;
  const fresh = items.filter((item) => item.id > newest).map((item) => item.id);
  known = now;
  newest = Math.max(newest, ...fresh);
  await redraw(fresh);
  if (fresh.length) message.textContent = fresh.length === 1 ? say('new_mail') : say('new_mails');
}

// The list is drawn by the server; the message that is being read is left alone.
async function redraw(fresh) {
  const text = await getText(location.href).catch(() => null);
  if (text === null) return;
  const page = new DOMParser().parseFromString(text, 'text/html');
  await released();
  const list = box.querySelector('[data-box-list]');
  const focused = document.activeElement?.dataset?.mail;
  const scrolled = list.scrollTop;
  const reading = list.querySelector('[aria-current]')?.dataset.mail;
  list.replaceChildren(...page.querySelector('[data-box-list]').children);
  box.querySelector('[data-box-empty]')?.remove();
  for (const link of list.querySelectorAll('[data-mail]')) {
    const open = reading === link.dataset.mail;
    link.parentElement.classList.toggle('is-open', open);
    link.parentElement.classList.toggle('is-new', fresh.includes(Number(link.dataset.mail)));
    if (open) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
  list.scrollTop = scrolled;
  if (focused) list.querySelector(`[data-mail="${focused}"]`)?.focus({ preventScroll: true });
}

setInterval(() => look().catch(() => {}), EVERY);
