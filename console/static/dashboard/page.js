// The dashboard stays true without a reload: it asks again when a ticket has changed, at most every fifteen seconds.
import { released } from '../lib/pressed.js';

const page = document.querySelector('[data-dashboard]');
const EVERY = 15_000;
const ANYWAY = 60_000;  // the time goes on too, and a connection may be gone
let asked = Date.now(), waiting;

async function refresh() {
  asked = Date.now();
  const answer = await fetch(page.dataset.dashboard).catch(() => null);
  if (!answer) return;
  if (answer.redirected || answer.status === 401) return location.reload();  // the sign-in ended meanwhile
  if (!answer.ok) return;
  const text = await answer.text().catch(() => null);
  if (text === null) return;
  const told = new DOMParser().parseFromString(text, 'text/html');
  await released();
  for (const fresh of told.querySelectorAll('[data-part]')) put(fresh);
}

// Keyboard focus stays on its link.
function put(fresh) {
  const place = page.querySelector(`[data-part="${CSS.escape(fresh.dataset.part)}"]`);
  if (!place || place.innerHTML === fresh.innerHTML) return;
  const links = [...place.querySelectorAll('a')];
  const here = links.indexOf(document.activeElement);
  const href = links[here]?.getAttribute('href');
  place.replaceChildren(...fresh.childNodes);
  if (here < 0) return;
  const after = [...place.querySelectorAll('a')];
  (after.find((link) => link.getAttribute('href') === href) ?? after[Math.min(here, after.length - 1)])?.focus();
}

function soon() {
  clearTimeout(waiting);
  if (document.hidden) return;  // fetched again when the page is visible
  waiting = setTimeout(refresh, Math.max(1_000, asked + EVERY - Date.now()));
}

async function live() {
  const { on, watchAll } = await import('../lib/live.js').catch(() => ({}));
  if (!on) return;
  on('ticket:changed', soon);
  on('live:missed', soon);
  on('live:state', ({ connected }) => { if (connected) soon(); });  // what happened while disconnected
  watchAll();
}

if (page) {
  if (page.querySelector('[data-part="tiles"]')) live();
  setInterval(() => { if (!document.hidden && Date.now() - asked >= ANYWAY) refresh(); }, EVERY);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && Date.now() - asked >= EVERY) refresh(); });
}
