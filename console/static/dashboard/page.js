// The dashboard is asked for again when a ticket has changed, at most every fifteen seconds; htmx puts it in place.
import { refresh } from '../lib/htmx.js';

const page = document.getElementById('dashboard');
const EVERY = 15_000;
let requestedAt = Date.now(), waiting;

page.addEventListener('htmx:beforeRequest', () => { requestedAt = Date.now(); });

function soon() {
  clearTimeout(waiting);
  if (document.hidden) return;  // asked again when it is looked at
  waiting = setTimeout(() => refresh(page), Math.max(1_000, requestedAt + EVERY - Date.now()));
}

async function live() {
  const { on, watchAll } = await import('../lib/live.js').catch(() => ({}));
  if (!on) return;
  on('ticket:changed', soon);
  on('live:missed', soon);
  on('live:state', ({ connected }) => { if (connected) soon(); });  // what happened while disconnected
  watchAll();
}
if (page.querySelector('[data-part="tiles"]')) live();
