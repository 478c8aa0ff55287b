// The week's form: rows come and go at once, and the next weeks are seen while one types. Without this the same
// buttons ask the server, which draws the page with the row more or less.
import { getText } from '../lib/http.js';

const WAIT = 350;
const form = document.querySelector('[data-week]');
const special = document.querySelector('[data-special]');
const COPIED = [1, 2, 3, 4];  // Tuesday to Friday, as on the server
let timer = 0, requests = 0;

const dayOf = (element) => element.closest('[data-day]');
const days = () => [...form.querySelectorAll('[data-day]')];
const intervals = (day) => [...day.querySelectorAll('.hours-interval')];

// Only what differs is put in, so that a screen reader hears the status line and nothing else.
function put(page) {
  for (const part of ['[data-outlook] [role="status"]', '[data-outlook] .hours-grid']) {
    const fresh = page.querySelector(part), old = document.querySelector(part);
    if (fresh && old && fresh.innerHTML !== old.innerHTML) old.replaceChildren(...fresh.childNodes);
  }
}

async function preview() {
  const mine = ++requests;
  const body = new FormData(form);
  body.set('do', 'preview');
  for (const [name, value] of special ? new FormData(special) : []) if (!body.has(name)) body.set(name, value);
  const page = await getText(form.action, { body }).catch(() => null);
  if (page === null || mine !== requests) return;  // a newer one is under way, or saving will say what is wrong
  put(new DOMParser().parseFromString(page, 'text/html'));
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(preview, WAIT);
}

function tell(day) {
  day.querySelector('[data-none]').hidden = intervals(day).length > 0;
}

function add(day, values = ['', '']) {
  const row = day.querySelector('template').content.firstElementChild.cloneNode(true);
  row.querySelectorAll('input:not([type="hidden"])').forEach((input, place) => { input.value = values[place]; });
  day.querySelector('[data-none]').before(row);
  tell(day);
  return row;
}

function remove(row) {
  const day = dayOf(row);
  row.remove();
  tell(day);
  day.querySelector('[value^="add-"]').focus();
}

function copy() {
  const [monday, ...others] = days();
  const times = intervals(monday).map((row) => [...row.querySelectorAll('input:not([type="hidden"])')].map((input) => input.value));
  for (const place of COPIED) {
    const day = others[place - 1];
    for (const row of intervals(day)) row.remove();
    for (const values of times) add(day, values);
    tell(day);
  }
}

form?.addEventListener('submit', (event) => {
  const button = event.submitter;
  const wish = button?.value ?? 'save';
  if (wish === 'save') return;
  event.preventDefault();
  if (wish === 'copy') copy();
  else if (wish.startsWith('add-')) add(dayOf(button)).querySelector('[name="opens"]').focus();
  else if (wish.startsWith('remove-')) remove(button.closest('.hours-interval'));
  later();
});
if (form) document.addEventListener('input', ({ target }) => {
  if (target.closest('[data-week], [data-special]')) later();
});
