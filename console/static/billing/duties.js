// Tax documents: N goes to the number of a row, numbers count up, and after saving one goes on where one was.
import { singleKey } from '../lib/keys.js';
import { countUp } from './numbers.js';

const fields = () => [...document.querySelectorAll('[data-number]')];

function focusNumber() {
  const row = document.activeElement?.closest('[data-rows] tbody tr');
  const field = row?.querySelector('[data-number]') ?? fields()[0];
  field?.focus();
  return Boolean(field);
}

document.addEventListener('keydown', (event) => {
  if (singleKey(event) && event.key.toLowerCase() === 'n' && focusNumber()) event.preventDefault();
  const field = event.target.closest?.('[data-number]');
  if (!field || !['ArrowDown', 'ArrowUp', 'Escape'].includes(event.key)) return;
  event.preventDefault();
  if (event.key === 'Escape') field.closest('tr').querySelector('[data-open]').focus();
  else fields()[fields().indexOf(field) + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
});

document.querySelector('[data-fill-down]')?.addEventListener('click', () => {
  const all = fields();
  const values = countUp(all.map((field) => ({ kind: field.dataset.kind, value: field.value })));
  all.forEach((field, place) => { field.value = values[place]; });
  (all.find((field) => !field.value) ?? all[0])?.focus();
});

// After the browser has gone to the fragment, which takes the focus away.
if (location.hash === '#numbers') addEventListener('load', () => setTimeout(() => fields()[0]?.focus()));
