// Small pieces of a conversation, the same for the visitor and for the desk.
const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

const ICONS = new URL('../icons.svg', import.meta.url).href;
let sprite = null;

/** Keep the icons in memory: drawn from there, they are drawn without a connection, too. */
export async function keepIcons() {
  const text = await fetch(ICONS).then((answer) => (answer.ok ? answer.text() : ''), () => '');
  if (text) sprite = new DOMParser().parseFromString(text, 'image/svg+xml');
}

export function icon(name, className = 'icon') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const symbol = sprite?.getElementById(name);
  for (const { name: key, value } of symbol?.attributes ?? []) if (key !== 'id') svg.setAttribute(key, value);
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  if (symbol) {
    svg.append(...[...symbol.childNodes].map((part) => document.importNode(part, true)));
    return svg;
  }
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

export function element(tag, className = '', ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside.filter((part) => part !== null && part !== undefined && part !== ''));
  return made;
}

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
