// The top bar: my availability, how many chats, who waits, the hours, the connection in words.
import { toast } from '../lib/dialogs.js';
import { count, say } from '../lib/texts.js';
import { now } from '../lib/times.js';
import { on, one, root } from './page.js';
import { fetchState, call, connected, hear, lineState } from './connection.js';
import { mark } from './lists.js';
import { desk, mine, myPresence } from './store.js';

const SOON = 15;  // minutes before closing
const menu = one('[data-availability]');
const form = one('[data-availability-form]');

function draw() {
  const me = myPresence();
  const here = connected() && me;
  one('[data-my-presence]').className = here ? mark({ ...me, here: true }) : 'presence presence-off';
  one('[data-my-state]').textContent = me ? [say(me.state), me.reason].filter(Boolean).join(', ') : say(connected() ? 'away' : 'line_connecting');
  for (const button of form.querySelectorAll('[data-state]')) button.setAttribute('aria-pressed', String(button.dataset.state === me?.state));
  one('[data-load]').textContent = desk.rules ? say('chats_of', { active: mine().length, capacity: desk.rules.capacity }) : '';
  ask(me);
  hours();
}

function hours() {
  const line = one('[data-closing]');
  const { hours } = desk;
  const left = hours?.closes_at ? Math.ceil((Date.parse(hours.closes_at) - now()) / 60_000) : 0;
  const closed = hours && (!hours.open || left <= 0);
  const soon = !closed && left > 0 && left <= SOON;
  line.hidden = !(closed || soon);
  line.classList.toggle('is-late', Boolean(closed));
  if (!line.hidden) one('[data-closing-words]').textContent = closed ? say('closed_now') : count('closing', left);
}

function drawLineState() {
  const state = lineState();
  const ok = state === 'ok';
  const words = say(`line_${state}`);
  const sign = one('[data-line]');
  sign.className = `status only-wide ${ok ? 'status-ok' : state === 'connecting' ? '' : 'status-warn'}`;
  one('[data-line-words]').textContent = ok || state === 'connecting' ? words : say('line_lost').split('.')[0];
  const trouble = one('[data-trouble]');
  trouble.hidden = ok || state === 'connecting';
  one('[data-trouble-words]').textContent = trouble.hidden ? '' : words;
  one('[data-trouble-login]').hidden = state !== 'signed_out';
  root.toggleAttribute('data-lost', !trouble.hidden);
  draw();
}

/** Choose my availability; tell whether it was taken. */
async function choose(state, reason = '') {
  try {
    const { presence } = await call('presence:set', { state, reason });
    Object.assign(desk, { presence, chosen: true });
    toast(say(state === 'available' ? 'back_now' : 'away_now'));
    draw();
    fetchState();
    return true;
  } catch (refusal) {
    toast(refusal.message);
    return false;
  }
}

form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-state]');
  if (!button) return;
  const reason = button.dataset.state === 'available' ? '' : form.elements.reason.value.trim();
  if (!await choose(button.dataset.state, reason)) return;
  form.elements.reason.value = '';
  menu.open = false;
  menu.querySelector('summary').focus();
});

// --- availability after a sign-in -----------------------------------------------------------------------------------

// One comes as one last was. While the desk is open, who is away or busy from another day is asked once, and who is
// available is told: an agent must know that chats will come.
const asking = one('[data-ask]');

/** Become available, where one is not. */
export const becomeAvailable = () => { if (myPresence() && myPresence().state !== 'available') choose('available'); };

function ask(me) {
  const open = connected() && me && !desk.chosen && desk.hours?.open;
  const visible = Boolean(open) && me.state !== 'available';
  if (open && me.state === 'available') {
    desk.chosen = true;
    if (desk.rules.assignment === 'push') toast(say('still_available'));
  }
  if (visible) {
    one('[data-ask-words]').textContent = `${say(`ask_${me.state}`)} ${say(`ask_${desk.rules.assignment}`)}`;
    one('[data-ask-stay]').textContent = say(`stay_${me.state}`);
  }
  if (!visible && asking.contains(document.activeElement)) one('[data-lists]').focus();
  asking.hidden = !visible;
}
one('[data-ask-available]').addEventListener('click', becomeAvailable);
one('[data-ask-stay]').addEventListener('click', () => choose(myPresence().state, myPresence().reason));

let timer = 0;
hear('presence:changed', () => { clearTimeout(timer); timer = setTimeout(fetchState, 300); });
hear('hours:closing', fetchState);
on('line', drawLineState);
on('top', draw);
on('lists', () => { one('[data-load]').textContent = desk.rules ? say('chats_of', { active: mine().length, capacity: desk.rules.capacity }) : ''; });
on('waiting', (waiting) => {
  one('[data-waiting]').hidden = !waiting;
  one('[data-waiting-words]').textContent = count('waiting', waiting);
});
setInterval(hours, 5_000);
drawLineState();
