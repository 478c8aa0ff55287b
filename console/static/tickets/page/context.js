// What the scripts of a ticket's page share: which ticket it is, who reads it.
import { say } from '../../lib/texts.js';

const page = document.getElementById('ticket');

export const number = page.dataset.number;
export const base = page.dataset.base;
export const me = document.body.dataset.staff;
export const root = page;
export const one = (selector) => page.querySelector(selector);

/** Names as a sentence has them: "Ana, Milan i Jelena". */
export function listed(names) {
  if (names.length < 2) return names.join('');
  return say('and', { first: names.slice(0, -1).join(', '), last: names.at(-1) });
}
