// What the desk knows: the chats that are open, who is here, the hours. Rows come with every answer and push.
import { storage, me, on, tell } from './page.js';
import { now } from '../lib/times.js';

export const chats = new Map();  // number → row of a chat that is queued or active
export const desk = { presence: [], hours: null, rules: null, today: '', taking: 0, chosen: true };  // taking: how many claims are on their way; chosen: my availability, since I signed in
let known = false;               // whether the first answer has come

const isLive = (row) => row.status === 'queued' || row.status === 'active';
export const isMine = (row) => row.status === 'active' && row.assignee?.id === me;
export const instant = (at) => (at ? Date.parse(at) : 0);

/**
 * Who it is: while a verification lasts the person verified, with the name they write under where it is another;
 * else the name that the visitor gave.
 */
export function identity(row) {
  const verified = Boolean(row.verified) && !(row.verified_until && instant(row.verified_until) <= now());
  return verified ? { verified, name: row.verified_name ?? row.name, wrote: row.wrote_as ?? '' } : { verified, name: row.name, wrote: '' };
}

/** Since when the visitor waits for a reply, or 0. */
export const waitsSince = (row) => instant(row.status === 'queued' ? row.waits_since : row.unanswered_since);
export const waited = (row) => (waitsSince(row) ? Math.max(0, Math.floor((now() - waitsSince(row)) / 1000)) : -1);

/** How much in a chat of mine was not read yet. */
export const unread = (row) => (isMine(row) && row.last_by === 'visitor' ? Math.max(0, row.seq - row.seen) : 0);

let department = storage.get('department') ?? '';
export const filter = () => department;
export function setFilter(value) {
  department = value;
  storage.set('department', value || null);
  tell('lists');
}
const passes = (row) => !department || String(row.department.id) === department;

const byWaiting = (a, b) => (waitsSince(a) || Infinity) - (waitsSince(b) || Infinity) || instant(b.last_at) - instant(a.last_at);

export const mine = () => [...chats.values()].filter(isMine).sort(byWaiting);
export const queue = () => [...chats.values()].filter((row) => row.status === 'queued' && passes(row)).sort(byWaiting);
export const everything = () => [...chats.values()].filter(passes).sort(byWaiting);

function put(row) {
  const before = chats.get(row.chat);
  // Two pushes may overtake each other; a row that knows less comes too late.
  if (before && before.seq > row.seq) return;
  if (!isLive(row)) chats.delete(row.chat);
  else chats.set(row.chat, { ...before, ...row });
  tell('row', row, before);
}

/** Take a row, or everything about a chat. */
export function take(row) {
  put(row);
  tell('lists');
}

on('state', (state) => {
  const rows = new Map(state.all.map((row) => [row.chat, row]));
  for (const [number, row] of [...chats]) if (!rows.has(number)) { chats.delete(number); tell('gone', row); }
  for (const row of rows.values()) put(row);
  Object.assign(desk, { presence: state.presence, hours: state.hours, rules: state.rules, today: state.hours.now.slice(0, 10) });
  if ('availability_chosen' in state) desk.chosen = state.availability_chosen;
  known = true;
  tell('lists');
  tell('top');
});

export const knows = () => known;
export const myPresence = () => desk.presence.find((one) => one.id === me);

export function changed({ chats: rows }) {
  for (const row of rows) put(row);
  tell('lists');
}
