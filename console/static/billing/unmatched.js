// Unmatched payments by keyboard: J and K walk the queue, 1 to 9 take a suggestion, Enter carries it out.
import { singleKey } from '../lib/keys.js';

const form = document.querySelector('[data-decide]');

function choose(digit) {
  const box = form?.querySelector(`[data-choice="${digit}"]`);
  if (!box) return false;
  box.checked = true;
  box.focus();
  if (box.value === 'other') form.querySelector('[data-other]').focus();
  if (box.value.startsWith('return')) form.querySelector('[data-reason]').focus();
  return true;
}

function walk(letter) {
  const link = document.querySelector(letter === 'j' ? '[data-later]' : '[data-earlier]');
  link?.click();
  return Boolean(link);
}

function act(event) {
  if (event.key === 'j' || event.key === 'k') return walk(event.key);
  if (/^[0-9]$/.test(event.key)) return choose(event.key);
  if (event.key === 'Enter' && form && !event.target.closest?.('a, button, summary')) {
    form.requestSubmit();  // with nothing chosen the browser says so, at the first choice
    return true;
  }
  return false;
}

// Before the keys of every page, whose J and K walk the rows of a list.
document.addEventListener('keydown', (event) => {
  if (!singleKey(event) || !act(event)) return;
  event.preventDefault();
}, true);

// The queue is a box of its own: the payment that is looked at may lie below its lower edge.
const queue = document.querySelector('.queue');
const current = queue?.querySelector('[aria-current]');
if (current) queue.scrollTop = current.offsetTop - queue.offsetTop - (queue.clientHeight - current.offsetHeight) / 2;

form?.querySelector('[data-other]').addEventListener('focus', () => {
  form.querySelector('[data-choice="0"]').checked = true;
});
