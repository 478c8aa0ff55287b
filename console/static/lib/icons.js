// Icons of the one file, as console/web/filters.py draws them on the server.
import { getText } from './http.js';

const ICONS = new URL('./icons.svg', import.meta.url).href;
let sprite = null;

/** Keep the icons in memory: drawn from there, they are drawn without a connection, too. */
export async function keepIcons() {
  const text = await getText(ICONS).catch(() => '');
  if (text) sprite = new DOMParser().parseFromString(text, 'image/svg+xml');
}

/** Make an icon, hidden from screen readers: a word is next to it. */
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
