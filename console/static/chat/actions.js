// What is done with a chat: take, pass on, end, make a ticket, ask who it is, block.
import { toast } from '../lib/dialogs.js';
import { element } from '../lib/elements.js';
import { say } from '../lib/texts.js';
import { leads, me, on, one, root, tell } from './page.js';
import { call } from './connection.js';
import { mark } from './lists.js';
import { current } from './rooms.js';
import { desk, identity, mine, take, waitsSince } from './store.js';
import { focus } from './composer.js';

const busy = new Set();

/** Run one action at a time, and show its refusal. */
async function doing(name, work) {
  if (busy.has(name)) return;
  busy.add(name);
  try {
    await work();
  } catch (refusal) {
    toast(refusal.message || say('failed'));
  } finally { busy.delete(name); }
}

/** Take a chat, and go on writing in it. */
const taking = (event, packet) => doing('claim', async () => {
  desk.taking += 1;
  try {
    const { chat } = await call(event, packet);
    take(chat);
    tell('open', chat.chat);
    focus();
  } finally {
    desk.taking -= 1;
    tell('claimed');
  }
});

/** Take the chat that is open where it waits, else the one that waits longest. */
export const claim = () => (current()?.chat?.status === 'queued' ? taking('chat:claim', { chat: current().number }) : next());

const next = () => taking('chat:next');
const stepIn = () => taking('chat:step_in', { chat: current().number });

/** Ask who it is: a sealed card before the visitor. */
export const ask = () => doing('ask', async () => {
  const room = current();
  if (!room?.isMine) { toast(say('ask_first_take')); return; }
  await call('verification:request', { chat: room.number });
});

const withdraw = () => doing('ask', async () => { await call('verification:withdraw', { chat: current().number }); });

/** Go to the one of my chats that waits longest. */
function goOn() {
  const waiting = mine().find((row) => row.chat !== current()?.number && waitsSince(row));
  if (waiting) { tell('open', waiting.chat); focus(); } else toast(say('no_more'));
}

// --- dialogs --------------------------------------------------------------------------------------------------------

function refused(dialog, words) {
  const place = dialog.querySelector('[data-problem]');
  place.textContent = words ?? '';
  place.hidden = !words;
}

const hands = (room) => room?.isLive && (room.isMine || leads);

export function openTransfer() {
  const room = current();
  if (!hands(room)) { if (room) toast(say('not_yours')); return; }
  const dialog = document.getElementById('d-transfer');
  dialog.querySelector('form').reset();
  refused(dialog);
  const others = desk.presence.filter((other) => other.id !== room.chat.assignee?.id && (other.id !== me || !room.isMine)).sort((a, b) => b.here - a.here || (b.state === 'available') - (a.state === 'available') || a.active - b.active);
  dialog.querySelector('[data-transfer-people]').replaceChildren(...others.map((other) => {
    const box = Object.assign(element('input'), { type: 'radio', name: 'to', value: `s${other.id}`, disabled: !other.here });
    const state = other.here ? [say(other.state), other.reason].filter(Boolean).join(', ') : say('gone');
    return element('label', `choice rows-line${other.here ? '' : ' is-held'}`, box, element('span', mark(other)), element('span', 'grow', other.name, ' ', element('small', 'muted', state)), element('small', 'num muted', say('load', { active: other.active, capacity: desk.rules.capacity })));
  }));
  if (!others.length) dialog.querySelector('[data-transfer-people]').append(element('p', 'muted picks-head', say('no_colleagues_online')));
  dialog.showModal();
  dialog.querySelector('[name="to"]:not(:disabled)')?.focus();
}

one('[data-transfer-form]').addEventListener('submit', (event) => {
  event.preventDefault();
  const dialog = event.target.closest('dialog');
  const room = current();
  doing('transfer', async () => {
    const chosen = event.target.elements.to.value;
    const to = chosen.startsWith('s') ? { to: Number(chosen.slice(1)) } : chosen ? { department: Number(chosen.slice(1)) } : {};
    try {
      const { chat } = await call('chat:transfer', { chat: room.number, note: event.target.elements.note.value, ...to });
      dialog.close();
      room.take(chat);
      toast(say('passed_on', { name: chat.name }));
    } catch (refusal) { refused(dialog, refusal.message); }
  });
});

export function openEnd() {
  const room = current();
  if (!hands(room) || room.chat.status !== 'active') { if (room?.isLive) toast(say('not_yours')); return; }
  const dialog = document.getElementById('d-end');
  refused(dialog);
  dialog.querySelector('h2').textContent = say('end_title', { name: identity(room.chat).name });
  dialog.querySelector('[data-end-words]').textContent = say(room.chat.unanswered_since ? 'end_unanswered' : 'end_answered');
  dialog.querySelector('[data-end-ticket]').textContent = say('end_as_ticket', { email: room.chat.email });
  dialog.showModal();
  dialog.querySelector('[data-first]').focus();
}

one('[data-end-form]').addEventListener('submit', (event) => {
  event.preventDefault();
  const dialog = event.target.closest('dialog');
  finish(event.submitter?.value === 'ticket' ? 'ticket' : 'close', (words) => refused(dialog, words), () => dialog.close());
});

/** Converting ends the chat for the visitor and cannot be undone, so it needs a confirmation. */
function openTicket() {
  const room = current();
  const dialog = document.getElementById('d-ticket');
  refused(dialog);
  const { name } = identity(room.chat);
  dialog.querySelector('[data-ticket-words]').textContent = say(room.isLive ? 'ticket_ends' : 'ticket_after', { name, email: room.chat.email });
  dialog.showModal();
  dialog.querySelector('[data-first]').focus();
}

one('[data-ticket-form]').addEventListener('submit', (event) => {
  event.preventDefault();
  const dialog = event.target.closest('dialog');
  finish('ticket', (words) => refused(dialog, words), () => dialog.close());
});

function finish(how, problem, done = () => {}) {
  const room = current();
  doing('end', async () => {
    try {
      const { chat } = await call(how === 'ticket' ? 'chat:ticket' : 'chat:close', { chat: room.number }, 15_000);
      done();
      room.take(chat);
      if (how !== 'ticket') { toast(say('chat_ended', { name: chat.name })); return; }
      const number = chat.ticket;
      toast(say('ticket_made', { number }), { label: say('open_it', { number }), run: () => window.open(root.dataset.tickets + number, '_blank', 'noopener') });
    } catch (refusal) { problem(refusal.message); }
  });
}

function openBlock() {
  const dialog = document.getElementById('d-block');
  dialog.querySelector('form').reset();
  refused(dialog);
  dialog.showModal();
}

one('[data-block-form]')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const dialog = event.target.closest('dialog');
  const { reason, days } = event.target.elements;
  doing('block', async () => {
    try {
      await call('chat:block', { chat: current().number, reason: reason.value, days: Number(days.value) });
      dialog.close();
      toast(say('blocked'));
    } catch (refusal) { refused(dialog, refusal.message); }
  });
});

const verbs = {
  claim, next, ask, withdraw, 'step-in': stepIn, transfer: openTransfer, close: openEnd, block: openBlock,
  ticket: openTicket,
};
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button) verbs[button.dataset.do]?.();
});
on('next', goOn);
on('waiting', (waiting) => { one('[data-nothing] [data-do="next"]').hidden = !waiting; });
