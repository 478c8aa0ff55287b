// Beside a ticket: what its forms and links need beyond htmx. Each of them works without a script.
import { toast } from '../../lib/dialogs.js';
import { htmx, refresh } from '../../lib/htmx.js';
import { askToSignIn, get, post } from '../../lib/http.js';
import { singleKey } from '../../lib/keys.js';
import { released } from '../../lib/pressed.js';
import { say } from '../../lib/texts.js';
import { dueText, secondsLeft } from '../../lib/times.js';
import { checkPin } from '../../lib/verification.js';
import { letterOf } from '../../palette/page.js';

const FIND = 250;
const STORED = 'ticket-notice';  // what to say on the page one goes to
const side = () => document.getElementById('ticket-side');
const sheet = document.getElementById('sheet');

// What was done ------------------------------------------------------------------------------------------------------

const undoing = (undo) => undo && { label: say('undo'), run: () => putBack(undo) };

async function putBack(undo) {
  try {
    const { url } = await post(undo.url, undo.fields);
    settle({ url, message: say('undone') });
  } catch (refused) {
    askToSignIn(refused);
    toast(refused.message);
  }
}

/** Say what was done, and go where it is seen. */
function settle(done) {
  if (done.url && new URL(done.url, location.href).pathname !== location.pathname) {
    try { sessionStorage.setItem(STORED, JSON.stringify(done)); } catch { /* then it is not said */ }
    location.assign(done.url);
    return;
  }
  toast(done.message, undoing(done.undo));
  if (sheet.open) sheet.close();
  refresh(side());
}

function showStored() {
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
  sessionStorage.removeItem(STORED);
  if (stored) toast(stored.message, undoing(stored.undo));
}

// The column as it is now --------------------------------------------------------------------------------------------
document.addEventListener('done', async ({ target, detail }) => {
  await released();  // what is being pressed moves when a form above it goes
  if (target.matches('[data-fact-form]')) endEdit(target);
  const { message, url, undo } = detail;
  settle({ message, url, undo });
});
// A colleague was faster, or it is gone: what one sees is old.
document.addEventListener('refused', ({ target }) => { if (target !== side()) refresh(side()); });

// Sheets and forms in place of a value -------------------------------------------------------------------------------

document.addEventListener('htmx:afterSwap', ({ target }) => {
  if (target === sheet) showSheet();
  else if (target.matches('[data-fact]')) showForm(target);
});

function showSheet() {
  if (!sheet.open) sheet.showModal();
  (sheet.querySelector('[autofocus]') ?? sheet.querySelector('.sheet-body :is(input:not([type="hidden"]), button, a)'))?.focus();
}

function showForm(place) {
  const [first, ...again] = place.querySelectorAll('[data-fact-form]');  // pressed twice
  again.forEach((form) => form.remove());
  side().querySelectorAll('[data-fact-form]').forEach((form) => { if (form !== first) endEdit(form); });
  place.scrollIntoView({ block: 'nearest' });
  first.elements.value.focus();
  first.elements.value.select?.();
}

function endEdit(form) {
  const place = form.closest('[data-fact]');
  const focused = form.contains(document.activeElement);
  form.remove();
  if (focused) place?.querySelector('.fact-edit')?.focus();
}

document.addEventListener('click', (event) => {
  const back = event.target.closest('[data-fact-cancel]');
  if (back) endEdit(back.form);
});
document.addEventListener('keydown', (event) => {
  const form = event.key === 'Escape' && event.target.closest?.('[data-fact] [data-fact-form]');
  if (!form) return;
  event.preventDefault();
  event.stopPropagation();
  endEdit(form);
});

// A choice is saved when it is made with the mouse; with arrows one passes by others, so Enter saves.
let chosenByKey = false;
document.addEventListener('keydown', (event) => {
  if (!event.target.matches?.('[data-fact] select[data-at-once]')) return;
  chosenByKey = event.key !== 'Enter';
  if (event.key === 'Enter') { event.preventDefault(); event.target.form.requestSubmit(); }
});
document.addEventListener('pointerdown', () => { chosenByKey = false; }, true);
document.addEventListener('change', (event) => {
  if (event.target.matches('[data-fact] select[data-at-once]') && !chosenByKey) event.target.form.requestSubmit();
});

// The account by number or name.
let finding;
document.addEventListener('input', (event) => {
  const field = event.target.closest('input[data-customers]');
  if (field) {
    clearTimeout(finding);
    finding = setTimeout(() => offer(field), FIND);
  }
  if (event.target.matches('[data-give-find]')) narrow(event.target);
});

async function offer(field) {
  const search = field.value.trim();
  if (search.length < 2) return;
  const { items } = await get(`${field.dataset.customers}?${new URLSearchParams({ search, page_size: 8 })}`).catch(() => ({ items: [] }));
  document.getElementById(field.getAttribute('list'))?.replaceChildren(...items.map((one) => new Option(one.name, one.number)));
}

// Giving on: a list that narrows while one types; arrows walk it, Enter takes the first.
const fold = (text) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replaceAll('đ', 'dj');
const visibleButtons = (form) => [...form.querySelectorAll('[data-name]')].filter((button) => !button.hidden);

function narrow(field) {
  for (const button of field.form.querySelectorAll('[data-name]')) button.hidden = !fold(button.dataset.name).includes(fold(field.value.trim()));
}

document.addEventListener('keydown', (event) => {
  const form = event.target.closest?.('[data-give]');
  if (!form) return;
  const all = visibleButtons(form);
  const here = all.indexOf(document.activeElement);
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const next = here + (event.key === 'ArrowDown' ? 1 : -1);
    (next < 0 ? form.querySelector('[data-give-find]') : all[Math.min(next, all.length - 1)])?.focus();
  } else if (event.key === 'Enter' && event.target.matches('[data-give-find]')) {
    event.preventDefault();
    all[0]?.click();
  }
});

// The verification ---------------------------------------------------------------------------------------------------

document.addEventListener('submit', (event) => {
  if (!event.target.matches('[data-verify]')) return;
  event.preventDefault();
  verify(event.target);
});

async function verify(form) {
  if (await checkPin(form)) refresh(side());
}

document.addEventListener('countdown:end', (event) => {
  if (event.target.closest('#ticket-side')) refresh(side());
});

// What a verification opens is asked for again with the rest; where that is over, so is what it had opened.
document.addEventListener('htmx:afterSettle', ({ target }) => {
  if (target.id !== 'ticket-side') return;
  dueTimes();
  target.querySelectorAll('details[open][data-opens]').forEach((opened) => htmx.trigger(opened, 'refresh'));
});

// Time that goes on ----------------------------------------------------------------------------------------------------

function dueTimes() {
  for (const time of document.querySelectorAll('.sla .wait time[data-due]')) {
    time.textContent = dueText(secondsLeft(time));
  }
}

// Keys ---------------------------------------------------------------------------------------------------------------

let going = 0;

document.addEventListener('keydown', (event) => {
  const key = letterOf(event);
  const goes = Date.now() - going < 1500;
  going = key === 'g' ? Date.now() : 0;
  if (!singleKey(event) || event.shiftKey || goes) return;
  const control = key === 'v' ? verification() : document.querySelector(`#ticket-actions [data-key="${CSS.escape(key)}"]`);
  if (!control) return;
  event.preventDefault();
  if (key !== 'v') return control.click();
  control.focus();
  control.scrollIntoView({ block: 'nearest' });
});

/** What asks for a verification. */
function verification() {
  const card = side().querySelector('[data-part="who"]');
  const byHand = card.querySelector('details.verify-manually');
  if (byHand) byHand.open = true;
  return card.querySelector('form[action$="ask-verification"] button, summary, a');
}

// Live ---------------------------------------------------------------------------------------------------------------

async function live() {
  showStored();
  dueTimes();
  setInterval(dueTimes, 15_000);
  const { on } = await import('../../lib/live.js').catch(() => ({}));
  if (!on) return;
  const again = () => refresh(side());
  on('ticket:changed', ({ number }) => { if (number === side().dataset.number) again(); });
  // What happened before the connection, or while it was lost.
  on('live:missed', again);
  on('live:state', ({ connected }) => { if (connected) again(); });
}
live();
