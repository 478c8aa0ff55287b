// What the head of the widget says: made of the state there is, never of what it said before.
import { say } from '../lib/texts.js';

const MINUTE = 60_000;
const LOCALE = () => (document.documentElement.lang.startsWith('en') ? 'en-GB' : 'sr-Latn-RS');
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

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const hour = (at) => at ? at.slice(11, 16) : '';

/** What the hours say now: open is whether they are, which the server may not have said yet. */
export function hoursWords(hours, open, now) {
  if (open && !hours.open) return say('open');
  if (open && !hours.closes_at) return say('open');
  if (open) return say('open_until', { time: hour(hours.closes_at) });
  if (!hours.next_open) return say('closed');
  const opens = new Date(hours.next_open);
  const days = Math.round((midnight(opens) - midnight(new Date(now))) / 86_400_000);
  const time = hour(hours.next_open);
  if (days <= 0) return say('opens_today', { time });
  if (days === 1) return say('opens_tomorrow', { time });
  return say('opens_on', { day: opens.toLocaleDateString(LOCALE(), { weekday: 'long', day: 'numeric', month: 'long' }), time });
}

/** Show what is announced, or nothing where it is over. What is said again is not read out again. */
export function drawAnnouncement(place, announcement, now) {
  const over = !announcement?.sr || (announcement.until && now >= Date.parse(announcement.until));
  const words = over ? '' : LOCALE() === 'en-GB' ? announcement.en : announcement.sr;
  const line = place.querySelector('p');
  place.hidden = over;
  if (line.textContent !== words) line.textContent = words;
}
