// Ctrl-K: one box that finds a customer, a domain, a document or a command.
// A combobox with a listbox (WAI-ARIA Authoring Practices): focus stays in the box, the arrows move the choice.
import { element } from '../lib/elements.js';
import { icon } from '../lib/icons.js';
import { askToSignIn, get } from '../lib/http.js';
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
  const query = input.value;
  list.setAttribute('aria-busy', 'true');
  try {
    const { groups, message } = await get(`${address}?${new URLSearchParams({ q: query })}`, asking.signal);
    show(groups, query, false, message);
  } catch (problem) {
    if (problem.name === 'AbortError') return;
    askToSignIn(problem);
    show([], query, true);
  }
}

function show(groups, query, failed = false, message = '') {
  list.replaceChildren(...groups.map((group, number) => drawGroup(group, number, query)));
  list.setAttribute('aria-busy', 'false');
  const found = options().length;
  dialog.querySelector('[data-failed]').hidden = !failed;
  const empty = dialog.querySelector('[data-empty]');
  empty.hidden = failed || found > 0;
  empty.textContent = message || nothing;
  list.hidden = found === 0;
  input.setAttribute('aria-expanded', String(found > 0));
  dialog.querySelector('[data-notice]').textContent = failed ? '' : message || count('found', found);
  choose(found ? 0 : -1);
}

function drawGroup(group, number, query) {
  const head = element('div', 'palette-group', group.name);
  head.setAttribute('aria-hidden', 'true');
  const box = element('div', '', head, ...group.items.map((item, place) => drawItem(item, `palette-${number}-${place}`, query)));
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', group.name);
  return box;
}

function drawItem(item, id, query) {
  const keys = item.key ? item.key.split(' ').flatMap((key) => [' ', element('kbd', '', key)]) : [element('span', 'palette-open', `${say('open')} ↵`)];
  const push = element('span', 'push muted', ...keys);
  push.setAttribute('aria-hidden', 'true');
  const line = element('a', 'palette-item', icon(item.icon), element('span', 'truncate', ...marked(item.name, query)), item.note ? element('span', 'muted ref', item.note) : null, push);
  Object.assign(line, { id, href: item.url, tabIndex: -1 });
  line.setAttribute('role', 'option');
  line.setAttribute('aria-selected', 'false');
  return line;
}

const marked = (text, query) => markedParts(text, query).map((part) => (part.hit ? element('mark', '', part.text) : part.text));

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
