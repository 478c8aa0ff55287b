// When we are here, in words.
import { say } from '../lib/texts.js';

const LOCALE = document.documentElement.lang.startsWith('en') ? 'en-GB' : 'sr-Latn-RS';

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
  return say('opens_on', { day: opens.toLocaleDateString(LOCALE, { weekday: 'long', day: 'numeric', month: 'long' }), time });
}
