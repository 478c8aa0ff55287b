// What every page of the console needs: theme, sidebar, menus, copying, lists. Plain modules, no bundler.
import './at_once.js';
import { remember } from './cookies.js';
import './times.js';
import '../palette/page.js';
import './keys.js';
import '../hours/sign.js';
import './tabs.js';
import { picked, toast } from './dialogs.js';
import { post } from './http.js';
import { count, say } from './texts.js';

const root = document.documentElement;
root.dataset.script = 'on';  // shows what only works with a script (.only-script)
const PHONE = matchMedia('(max-width: 860px)');

// Theme: changes at once; without a script the same form saves it.
const dark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches);

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.matches('[data-theme-form]')) return;
  event.preventDefault();
  const theme = dark() ? 'light' : 'dark';
  root.dataset.theme = theme;
  const body = new FormData(form);
  body.set('theme', theme);
  await post(form.action, body).catch((refused) => toast(refused.message));
});

// Sidebar: small is remembered in a cookie, so that the server draws it right the first time.
function setSide(state) {
  if (state) root.dataset.side = state;
  else delete root.dataset.side;
  document.querySelector('[data-side-open]')?.setAttribute('aria-expanded', String(state === 'open'));
}

function toggleSmall(button) {
  const small = root.dataset.side !== 'small';
  setSide(small ? 'small' : '');
  button.setAttribute('aria-pressed', String(small));
  remember('side', small ? 'small' : '');
}

function openDrawer() {
  setSide('open');
  document.querySelector('.side a, .side button')?.focus();
}

function closeDrawer() {
  setSide('');
  document.querySelector('[data-side-open]')?.focus();
}

document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest' });

document.addEventListener('click', (event) => {
  const hit = (selector) => event.target.closest(selector);
  if (hit('[data-side-toggle]')) toggleSmall(hit('[data-side-toggle]'));
  else if (hit('[data-side-open]')) openDrawer();
  else if (root.dataset.side === 'open' && !hit('.side')) closeDrawer();
});
PHONE.addEventListener('change', () => { if (root.dataset.side === 'open') setSide(''); });

// Menus are <details>: they open without a script; this closes them.
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('focusin', (event) => {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const menu = document.querySelector('details[data-menu][open]');
  if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
  } else if (root.dataset.side === 'open') closeDrawer();
});

document.addEventListener('click', async (event) => {
  const copy = event.target.closest('[data-copy]');
  if (copy) {
    const done = await navigator.clipboard.writeText(copy.dataset.copy).then(() => true, () => false);
    toast(say(done ? 'copied' : 'copy_failed'));
  }
  if (event.target.closest('[data-print]')) print();
  event.target.closest('[data-dismiss-alert]')?.closest('[data-alert]').remove();
});

// Picked rows
function tellPicked() {
  const form = document.querySelector('[data-picked]');
  if (!form) return;
  const boxes = [...document.querySelectorAll('[data-pick]')];
  const chosen = picked(form).length;
  const all = document.querySelector('[data-pick-all]');
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  for (const box of boxes) box.closest('tr').classList.toggle('is-selected', box.checked);
  form.querySelector('[data-picked-count]').textContent = count('picked', chosen);
}

document.addEventListener('change', (event) => {
  if (event.target.matches('[data-pick-all]')) {
    for (const box of document.querySelectorAll('[data-pick]')) box.checked = event.target.checked;
  }
  if (event.target.matches('[data-pick-all], [data-pick]')) tellPicked();
});
tellPicked();
