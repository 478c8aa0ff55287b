// The connection to the desk: pinged every 20 seconds, and reopened when there is no answer.
import { line } from '../lib/socket.js';
import { say } from '../lib/texts.js';
import { tell } from './page.js';

const ANSWER = 8_000;       // milliseconds to wait for an acknowledgement
const PING_EVERY = 20_000;
const AGAIN = 3_000;        // a server without its database refuses connections
const SPREAD = 2_000;       // so that clients do not all ask at once
const { socket, hear: listen, arrived } = line('/desk', { reconnectionDelay: 500, reconnectionDelayMax: 8_000 });
let state = 'connecting';   // ok, connecting, lost, signed_out

export const connected = () => state === 'ok';
export const lineState = () => state;
export const hear = listen;

/** What the server refused; without a code it did not answer. */
export class Refused extends Error {
  constructor(error) {
    super(error?.message || say(error?.code ? 'failed' : 'no_answer'));
    Object.assign(this, error);
    const fields = Object.values(error?.fields ?? {}).flat().filter(Boolean);
    if (fields.length) this.message = fields.join(' ');
  }
}

export async function call(event, packet = {}, wait = ANSWER) {
  let answer;
  try {
    answer = await socket.timeout(wait).emitWithAck(event, packet);
  } catch {
    throw new Refused();
  }
  if (!answer?.ok) throw new Refused(answer?.error ?? { code: 'failed' });
  return answer;
}

/** Say something that needs no answer, if anybody hears it. */
export function mention(event, packet) {
  if (connected()) socket.emit(event, packet, () => {});
}

function turn(now) {
  if (now === state) return;
  state = now;
  tell('line', state);
}

async function arrive() {
  try {
    tell('state', await call('desk:join'));
    turn('ok');
    tell('arrived');
  } catch (refusal) {
    if (!refusal.code) return again();
    turn('lost');
    setTimeout(() => { if (socket.connected && !connected()) arrive(); }, 3_000);
  }
}

function again() {
  if (socket.connected) socket.io.engine?.close();  // half dead: the client then begins a new one
}

let asking = false;
/** Fetch the current state; a missing answer also shows a dead connection. */
export async function fetchState() {
  if (asking || !connected()) return;
  asking = true;
  try {
    tell('state', await call('desk:state'));
  } catch (refusal) {
    if (!refusal.code) again();
  } finally { asking = false; }
}

export function begin() {
  arrived(arrive);
  // Who sees what is another: come in again, to what one sees now.
  hear('rooms:changed', () => { if (connected()) arrive(); });
  socket.on('disconnect', (reason) => {
    if (state !== 'signed_out') turn('lost');
    // Closed by the server: the session has ended, or another role begins. The next try tells which.
    if (reason === 'io server disconnect') setTimeout(() => socket.connect(), 1_000);
  });
  socket.on('connect_error', (problem) => {
    if (problem.message === 'sign_in') {
      turn('signed_out');
      socket.disconnect();
    } else turn(state === 'connecting' ? 'connecting' : 'lost');
    if (problem.message === 'unavailable') setTimeout(() => socket.connect(), AGAIN);
  });
  // The server could not pass on what other processes said: what it was is fetched.
  socket.on('pushes:missed', () => setTimeout(() => { fetchState(); tell('missed'); }, Math.random() * SPREAD));
  socket.connect();
  setTimeout(() => { if (state === 'connecting') turn('lost'); }, 6_000);
  setInterval(fetchState, PING_EVERY);
  addEventListener('online', () => { if (!socket.connected && state !== 'signed_out') socket.connect(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) fetchState(); });
}
