// The desk's connection: what has changed, who else is here. It carries news only; what they say is fetched.
import { line } from './socket.js';

const HERE_EVERY = 15_000;
const AGAIN = 3_000;  // a server without its database refuses connections
const SPREAD = 2_000;  // so that clients do not all ask at once
const LEAVES_AFTER = 40_000;  // milliseconds without a sign: treated as gone

const { socket, hear, arrived } = line('/desk', { reconnectionDelayMax: 10_000 });
const handlers = new Map();  // event → functions
let looking = null;
let typing = false;
const people = new Map();  // id → {id, name, typing, at}

function tell(event, news) {
  handlers.get(event)?.forEach((handler) => handler(news));
}

// Call handler with what the server pushes (ticket:changed …), with ticket:presence, live:state and live:missed.
export function on(event, handler) {
  if (!handlers.has(event)) {
    handlers.set(event, new Set());
    if (!['ticket:presence', 'live:state', 'live:missed'].includes(event)) hear(event, (news) => tell(event, news));
  }
  handlers.get(event).add(handler);
}

export const connected = () => socket.connected;

// Get a push for every ticket that changes.
let listing = false;
export function watchAll() {
  listing = true;
  if (socket.connected) socket.emit('tickets:join', {}, () => {});
}

// Look at one ticket.
export function join(number) {
  looking = number;
  people.clear();
  if (socket.connected) socket.emit('ticket:join', { number }, () => {});
}

// Say whether we are writing; said again only when it changes.
export function setTyping(now) {
  if (now === typing) return;
  typing = now;
  sayHere();
}

function sayHere() {
  if (looking && socket.connected) socket.emit('ticket:here', { typing }, () => {});
}

function present() {
  for (const [id, person] of people) if (Date.now() - person.at > LEAVES_AFTER) people.delete(id);
  tell('ticket:presence', { number: looking, people: [...people.values()].map(({ id, name, typing: writes }) => ({ id, name, typing: writes })) });
}

arrived(() => {
  if (listing) socket.emit('tickets:join', {}, () => {});
  if (looking) socket.emit('ticket:join', { number: looking }, () => {});
  tell('live:state', { connected: true });
});
socket.on('disconnect', (reason) => {
  people.clear();
  present();
  tell('live:state', { connected: false });
  // The server closes the connection of a session that has ended; it would be refused again and again.
  if (reason === 'io server disconnect') socket.close();
});
socket.on('connect_error', (problem) => {
  tell('live:state', { connected: false });
  if (problem.message === 'unavailable') setTimeout(() => socket.connect(), AGAIN);
});
// The server could not pass on what other processes said: what it was is fetched.
socket.on('pushes:missed', () => setTimeout(() => tell('live:missed', {}), Math.random() * SPREAD));
hear('ticket:who', ({ number }) => { if (number === looking) sayHere(); });
hear('ticket:here', ({ number, id, name, typing: writes }) => {
  if (number !== looking || String(id) === document.body.dataset.staff) return;
  people.set(id, { id, name, typing: writes, at: Date.now() });
  present();
});
hear('ticket:gone', ({ number, id }) => {
  if (number !== looking) return;
  people.delete(id);
  present();
});
setInterval(() => { sayHere(); if (people.size) present(); }, HERE_EVERY);
socket.connect();
