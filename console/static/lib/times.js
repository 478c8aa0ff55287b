// Relative times that stay true, and countdowns: <time datetime="…" data-countdown>.
// The server's clock counts, not the machine's: a demo may have moved it.
import { count, say } from './texts.js';

const serverTime = Date.parse(document.querySelector('meta[name="server-time"]')?.content ?? '');
const offset = Number.isNaN(serverTime) ? 0 : serverTime - Date.now();
const MINUTE = 60, DAY = 86_400, SOON = 300;
export const HOUR = 3600;

export const now = () => Date.now() + offset;

function ago(element) {
  const seconds = Math.floor((now() - Date.parse(element.dateTime)) / 1000);
  if (!(seconds >= 0) || seconds >= DAY) return;  // the server wrote a date
  const words = seconds < MINUTE ? say('just_now')
    : seconds < HOUR ? count('minutes_ago', Math.floor(seconds / MINUTE)) : count('hours_ago', Math.floor(seconds / HOUR));
  if (words) element.textContent = words;  // a page without texts keeps what the server wrote
}

function left(element) {
  const seconds = Math.ceil((Date.parse(element.dateTime) - now()) / 1000);
  if (seconds <= 0) return end(element);
  if (seconds < MINUTE) element.textContent = count('left_seconds', seconds);
  else if (seconds < HOUR) element.textContent = count('left_minutes', Math.ceil(seconds / MINUTE));
  else if (seconds < DAY) element.textContent = count('left_hours', Math.floor(seconds / HOUR));
  else element.textContent = count('left_days', Math.floor(seconds / DAY));
  element.toggleAttribute('data-soon', seconds <= SOON);
}

function end(element) {
  if (element.hasAttribute('data-ended')) return;
  element.setAttribute('data-ended', '');
  element.textContent = say('ended');
  element.dispatchEvent(new CustomEvent('countdown:end', { bubbles: true }));
  // What the time had opened must go from the screen too.
  if (element.dataset.countdown === 'reload') location.reload();
}

/** How long until an SLA target is due, or since when it is late. */
export function dueText(seconds) {
  const late = seconds <= 0, length = Math.abs(seconds);
  if (length >= DAY) return count(late ? 'late_days' : 'left_days', Math.floor(length / DAY));
  if (length >= HOUR) return count(late ? 'late_hours' : 'left_hours', Math.floor(length / HOUR));
  return count(late ? 'late_minutes' : 'left_minutes', Math.max(1, Math.floor(length / MINUTE)));
}

export const secondsLeft = (time) => (Date.parse(time.dateTime) - now()) / 1000;

export function refresh() {
  document.querySelectorAll('time[data-countdown]').forEach(left);
  document.querySelectorAll('time[datetime]:not([data-countdown], [data-fixed])').forEach(ago);
}

refresh();
setInterval(() => document.querySelectorAll('time[data-countdown]').forEach(left), 1000);
setInterval(refresh, 30_000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
