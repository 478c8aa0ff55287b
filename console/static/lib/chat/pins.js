// A text with a possible support PIN: its author decides before it is sent. Only the server knows the rule.
import { button, element } from '../elements.js';
import { icon } from '../icons.js';

/**
 * The question beside a message that waits for it: what was found, and the ways on.
 * say: the page's words. answer({mask: true} or {not_pin: token}) sends it; change() takes the text back.
 */
export function pinQuestion(refusal, { say, answer, change }) {
  const way = (words, look, run) => button(`btn btn-sm ${look}`, run, words);
  const [token] = refusal.tokens;
  const ways = [way(say('mask_it'), 'btn-primary', () => answer({ mask: true }))];
  if (!refusal.only_mask) ways.push(way(refusal.tokens.length > 1 ? say('not_pin_of', { number: token }) : say('not_pin'), 'btn-secondary', () => answer({ not_pin: token })));
  if (change) ways.push(way(say('change_text'), 'btn-ghost', change));
  const words = element('p', '', icon('shield'), element('span', '', refusal.message, ' ', ...refusal.tokens.flatMap((one, place) => [...(place ? [', '] : []), element('b', 'num', one)])));
  const made = element('div', 'pin-question', words, element('div', 'pin-ways', ...ways));
  made.setAttribute('role', 'alert');
  return made;
}

/** What is sent with the text, after an answer to the question. */
export const pinFields = ({ mask, not_pin: none }) => ({ ...(mask ? { mask: true } : {}), ...(none?.length ? { not_pin: none } : {}) });
