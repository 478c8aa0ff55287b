// Building elements: text is always text, and an icon comes from the one file of icons.
const ICONS = new URL('./icons.svg', import.meta.url).href;
let sprite = null;

/** Make an element; parts that are not there are left out. */
export function element(tag, className = '', ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside.filter((part) => part !== null && part !== undefined && part !== ''));
  return made;
}

/** Make a button that does something. */
export function button(className, run, ...inside) {
  const made = element('button', className, ...inside);
  made.type = 'button';
  made.addEventListener('click', run);
  return made;
}

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
