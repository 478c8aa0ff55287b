// Small pieces of a conversation, the same for the visitor and for the desk.
import { element } from '../elements.js';

const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

/** The time of day of an instant as the server wrote it, in its zone. */
export const time = (at) => (at ? at.slice(11, 16) : '');

/** Links are made of the text alone; nothing in it is markup. */
export function linked(body) {
  const parts = [];
  let from = 0;
  for (const found of body.matchAll(LINK)) {
    parts.push(body.slice(from, found.index));
    const link = element('a', '', found[0]);
    Object.assign(link, { href: found[0], target: '_blank', rel: 'noopener noreferrer nofollow' });
    parts.push(link);
    from = found.index + found[0].length;
  }
  parts.push(body.slice(from));
  return parts.filter((part) => part !== '');
}
