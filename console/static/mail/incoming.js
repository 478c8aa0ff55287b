// Keys of a received message: A, N, S and D decide, → goes to the next, U back to the inbox.
import { singleKey } from '../lib/keys.js';

const page = document.querySelector('[data-incoming]');

function act(event) {
  const key = event.key.toLowerCase();
  if (key === 'u') return location.assign(page.dataset.list) ?? true;
  if (event.key === 'ArrowRight' && page.dataset.next) return location.assign(page.dataset.next) ?? true;
  const button = /^[ands]$/.test(key) ? page.querySelector(`button[data-key="${key}"]`) : null;
  button?.click();
  return Boolean(button);
}

document.addEventListener('keydown', (event) => {
  if (page && !event.repeat && singleKey(event) && act(event)) event.preventDefault();
});
