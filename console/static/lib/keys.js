// Keys: ? shows them, G and a letter goes somewhere, J K X Enter walk a list, / searches it, E exports it.
// Single keys are off while one types, while a dialog is open, and for those who switched them off (WCAG 2.1.4).
import { letterOf } from '../palette/page.js';

const GO = 1500;  // how long G waits for its letter
let going = 0;

const typing = (target) => target instanceof Element
  && Boolean(target.closest('input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select, [contenteditable]:not([contenteditable="false"])'));

export function openKeys() {
  if (!document.querySelector('dialog[open]')) document.getElementById('keys')?.showModal();
}

function rows() {
  return [...document.querySelectorAll('[data-rows] tbody tr')];
}

const handle = (row) => row.querySelector('[data-open]') ?? row.querySelector('a, button, input') ?? row;

function walk(step) {
  const all = rows();
  if (!all.length) return false;
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, here + step));
  const target = handle(all[next]);
  if (target === all[next]) target.tabIndex = -1;
  target.focus();
  return true;
}

function pick() {
  const box = document.activeElement?.closest('[data-rows] tbody tr')?.querySelector('[data-pick]');
  box?.click();
  return Boolean(box);
}

function search() {
  const box = document.getElementById('list-search') ?? document.querySelector('[data-find-first]');
  box?.focus();
  box?.select?.();
  return Boolean(box);
}

function openExports() {
  const menu = document.querySelector('[data-exports]');
  if (!menu) return false;
  menu.open = true;
  menu.querySelector('a').focus();
  return true;
}

function goTo(letter) {
  const link = document.querySelector(`.side [data-go="${CSS.escape(letter)}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

function act(event) {
  if (event.key === '?') return openKeys() ?? true;
  if (event.key === '/') return search();
  const letter = letterOf(event);
  if (going && Date.now() - going < GO) {
    going = 0;
    return goTo(letter);
  }
  going = letter === 'g' ? Date.now() : 0;
  if (letter === 'g') return true;
  if (letter === 'j') return walk(1);
  if (letter === 'k') return walk(-1);
  if (letter === 'x') return pick();
  if (letter === 'e') return openExports();
  return false;
}

/** Tell whether a key alone may do something now. */
export function singleKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  return document.body.dataset.singleKeys !== 'off' && !typing(event.target) && !document.querySelector('dialog[open]');
}

document.addEventListener('keydown', (event) => {
  if (!singleKey(event) || event.repeat && event.key === 'g') return;
  if (act(event)) event.preventDefault();
});

document.addEventListener('click', (event) => { if (event.target.closest('[data-help]')) openKeys(); });
