// The sign in the top bar: the time left runs, and it turns over when the hours do. Also on a page left open.
import { now } from '../lib/times.js';

const MINUTE = 60_000;
const sign = document.querySelector('[data-hours]');
const signs = sign ? JSON.parse(sign.dataset.hours) : [];

function left(until) {
  const minutes = Math.ceil((Date.parse(until) - now()) / MINUTE);
  const hours = Math.floor(minutes / 60), rest = minutes % 60;
  return [hours ? `${hours} h` : '', rest || !hours ? `${rest} min` : ''].filter(Boolean).join(' ');
}

function tell() {
  const present = signs.filter((one) => Date.parse(one.at) <= now()).at(-1) ?? signs[0];
  if (!present) return;
  const text = present.until ? present.text.replace('#', left(present.until)) : present.text;
  const words = sign.querySelector('[data-words]');
  if (words.textContent !== text) words.textContent = text;
  sign.querySelector('.presence').classList.toggle('presence-off', !present.open);
}

tell();
setInterval(tell, 1000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) tell(); });
