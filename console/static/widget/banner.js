// What the line at the head of the widget says: made of the state there is, never of what it said before.
const MINUTE = 60_000;
const LIVE = ['queued', 'active'];

/**
 * The line for a state, as `{ words: [[key, values], …], good }`; without words there is none.
 *
 * `link` is connecting, ok, lost or back (just back). `chat` is the server's last state of the chat, or null;
 * `opening` that there is one whose state is not known yet. `hours` are the server's, `now` its time, `notice` how many
 * minutes before closing visitors are notified. `anybody`: an agent is available. `unsent`: the visitor wrote while the
 * chat ended. `problem`: the text of the last refusal.
 */
export function banner({ link, chat, opening, hours, now, notice, anybody, unsent, problem }) {
  if (link === 'lost') return line('reconnecting');
  if (problem) return { words: [[problem]], good: false };
  if (opening) return line('connecting');
  if (link === 'back') return good('connected');
  if (!chat) return { words: [], good: false };
  if (chat.status === 'ticketed') return good('ticketed', { number: chat.ticket });
  if (chat.status === 'closed') return line(unsent ? 'ended_keep' : chat.ended_by === 'visitor' ? 'ended_by_visitor' : 'ended_by_staff');
  const words = chat.status === 'queued' ? queued(chat, anybody) : [];
  const end = LIVE.includes(chat.status) ? closing(hours, now, notice) : null;
  return { words: [...words, ...(end ? [end] : [])], good: false };
}

function queued(chat, anybody) {
  if (chat.requeued) return [['requeued']];
  return anybody ? [['queued']] : [['queued'], ['queued_none']];
}

function closing(hours, now, notice) {
  if (!isOpen(hours, now)) return ['closed_open_chat'];
  const left = Date.parse(hours.closes_at) - now;
  return left <= notice * MINUTE ? ['closing_soon', { time: hours.closes_at.slice(11, 16) }] : null;
}

/** Whether it is open at `now`, which may be later than the server's last answer. */
export function isOpen(hours, now) {
  if (hours.open) return !hours.closes_at || now < Date.parse(hours.closes_at);
  return Boolean(hours.next_open) && now >= Date.parse(hours.next_open);
}

/** The line under the name: who answers, else `null`, which means the hours. */
export function headline(chat) {
  return chat?.status === 'active' && chat.agent ? ['taken', { name: chat.agent }] : null;
}

const line = (key, values = {}) => ({ words: [[key, values]], good: false });
const good = (key, values = {}) => ({ words: [[key, values]], good: true });
