// Ctrl-K: one box that finds a customer, a domain, a document or a command.
// A combobox with a listbox (WAI-ARIA Authoring Practices): focus stays in the box, the arrows move the choice.
import { count, say } from '../lib/texts.js';
import { markedParts } from './marks.js';

const dialog = document.getElementById('palette');
const input = dialog?.querySelector('input');
const list = dialog?.querySelector('[role="listbox"]');
const address = document.body.dataset.paletteUrl;
const WAIT = 120;
const nothing = dialog?.querySelector('[data-empty]').textContent;
let timer, asking, chosen = -1;

const options = () => [...list.querySelectorAll('[role="option"]')];

export function openPalette() {
  if (!dialog || dialog.open || document.querySelector('dialog[open]')) return;
  dialog.showModal();
  input.value = '';
  input.focus();
  find();
}

async function find() {
  asking?.abort();
  asking = new AbortController();
  const asked = input.value;
  list.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(`${address}?${new URLSearchParams({ q: asked })}`, {
      headers: { Accept: 'application/json' }, signal: asking.signal,
    });
    if (answer.status === 401) return location.reload();  // the sign-in ended meanwhile
    if (!answer.ok) throw new Error(String(answer.status));
    const { groups, message } = await answer.json();
    show(groups, asked, false, message);
  } catch (error) {
    if (error.name === 'AbortError') return;
    show([], asked, true);
  }
}

function show(groups, asked, failed = false, message = '') {
  list.replaceChildren(...groups.map((group, number) => drawGroup(group, number, asked)));
  list.setAttribute('aria-busy', 'false');
  const found = options().length;
  dialog.querySelector('[data-failed]').hidden = !failed;
  const empty = dialog.querySelector('[data-empty]');
  empty.hidden = failed || found > 0;
  empty.textContent = message || nothing;
  list.hidden = found === 0;
  input.setAttribute('aria-expanded', String(found > 0));
  dialog.querySelector('[data-said]').textContent = failed ? '' : message || count('found', found);
  choose(found ? 0 : -1);
}

function drawGroup(group, number, asked) {
  const box = document.createElement('div');
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', group.name);
  const head = document.createElement('div');
  head.className = 'palette-group';
  head.setAttribute('aria-hidden', 'true');
  head.textContent = group.name;
  box.append(head, ...group.items.map((item, place) => drawItem(item, `palette-${number}-${place}`, asked)));
  return box;
}

function drawItem(item, id, asked) {
  const line = document.createElement('a');
  Object.assign(line, { id, href: item.url, className: 'palette-item', tabIndex: -1 });
  line.setAttribute('role', 'option');
  line.setAttribute('aria-selected', 'false');
  const name = document.createElement('span');
  name.append(...marked(item.name, asked));
  name.className = 'truncate';
  line.append(icon(item.icon), name);
  if (item.note) line.append(span('muted ref', item.note));
  const push = span('push muted', '');
  if (item.key) push.append(...item.key.split(' ').flatMap((key) => [' ', keycap(key)]));
  else push.append(span('palette-open', `${say('open')} ↵`));
  push.setAttribute('aria-hidden', 'true');
  line.append(push);
  return line;
}

function span(css, text) {
  const element = document.createElement('span');
  element.className = css;
  element.textContent = text;
  return element;
}

function keycap(text) {
  const key = document.createElement('kbd');
  key.textContent = text;
  return key;
}

function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `${dialog.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

function marked(text, asked) {
  return markedParts(text, asked).map((part) => {
    if (!part.hit) return document.createTextNode(part.text);
    const mark = document.createElement('mark');
    mark.textContent = part.text;
    return mark;
  });
}

function choose(place) {
  const lines = options();
  lines[chosen]?.setAttribute('aria-selected', 'false');
  lines.forEach((line) => line.setAttribute('aria-selected', 'false'));
  chosen = lines.length ? (place + lines.length) % lines.length : -1;
  const line = lines[chosen];
  if (line) {
    line.setAttribute('aria-selected', 'true');
    input.setAttribute('aria-activedescendant', line.id);
    line.scrollIntoView({ block: 'nearest' });
  } else input.removeAttribute('aria-activedescendant');
}

input?.addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(() => { timer = undefined; find(); }, WAIT);
});

input?.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') choose(chosen + 1);
  else if (event.key === 'ArrowUp') choose(chosen - 1);
  else if (event.key === 'PageDown') choose(Math.min(chosen + 5, options().length - 1));
  else if (event.key === 'PageUp') choose(Math.max(chosen - 5, 0));
  else if (event.key === 'Enter') open(event);
  else return;
  event.preventDefault();
});

async function open(event) {
  if (timer) {  // typed faster than the search: search for the current text
    clearTimeout(timer);
    timer = undefined;
    await find();
  }
  const line = options()[chosen];
  if (!line) return;
  if (event.ctrlKey || event.metaKey) window.open(line.href, '_blank', 'noopener');
  else location.assign(line.href);
}

list?.addEventListener('pointermove', (event) => {
  const line = event.target.closest('[role="option"]');
  if (line && line.getAttribute('aria-selected') !== 'true') choose(options().indexOf(line));
});

dialog?.addEventListener('close', () => {
  asking?.abort();
  clearTimeout(timer);
  timer = undefined;
  list.replaceChildren();
});

document.addEventListener('click', (event) => { if (event.target.closest('[data-palette]')) openPalette(); });
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && letterOf(event) === 'k') {
    event.preventDefault();
    if (dialog?.open) dialog.close();
    else openPalette();
  }
});

/** The Latin letter of a key, whatever the keyboard's script. */
export function letterOf(event) {
  const key = event.key.toLowerCase();
  return /^[a-z]$/.test(key) ? key : event.code.replace(/^Key/, '').toLowerCase();
}
