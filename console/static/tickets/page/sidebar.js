// Beside a ticket: its facts changed in their place, its verbs in sheets over the page, the verification as it comes.
// Everything here is a form or a link that works without this script.
import { toast } from '../../lib/dialogs.js';
import { released } from '../../lib/pressed.js';
import { say } from '../../lib/texts.js';
import { dueText, refresh as refreshTimes, secondsLeft } from '../../lib/times.js';

const EVERY = 60_000;  // how often the column is fetched without a push
const SETTLE = 400;
const FIND = 250;
const KEPT = 'ticket-said';  // what to say on the page one goes to
const column = () => document.querySelector('[data-ticket-side]');
const actions = () => document.querySelector('[data-ticket-actions]');
const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? document.querySelector('[name="csrf_token"]')?.value ?? '';

// Asking and telling -----------------------------------------------------------------------------------------------

async function send(url, fields) {
  const body = fields instanceof FormData ? fields : new FormData();
  if (!(fields instanceof FormData)) for (const [name, value] of Object.entries(fields)) body.append(name, value);
  if (!body.has('csrf_token')) body.append('csrf_token', token());
  const answer = await fetch(url, { method: 'POST', body, headers: { Accept: 'application/json' } });
  if (answer.status === 401) { location.reload(); return null; }  // the sign-in ended meanwhile
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const texts = Object.values(told.error?.fields ?? {}).flat().filter(Boolean);
  throw Object.assign(new Error(texts.join(' ') || told.error?.message || say('failed')), { told: told.error, status: answer.status });
}

async function part(url) {
  const answer = await fetch(url, { headers: { 'X-Sheet': '1', Accept: 'text/html' } });
  if (answer.status === 401 || answer.redirected) { location.reload(); return null; }
  if (!answer.ok) throw new Error(say('failed'));
  return answer.text();
}

const undoing = (undo) => undo && { label: say('undo'), run: () => putBack(undo) };

async function putBack(undo) {
  try {
    const told = await send(undo.url, undo.fields);
    if (told) settle({ ...told, undo: undefined, message: say('undone') });
  } catch (error) {
    toast(error.message);
  }
}

/** Say what was done, and go where it is seen. */
function settle(told) {
  if (!told) return;
  if (told.url && new URL(told.url, location.href).pathname !== location.pathname) {
    try { sessionStorage.setItem(KEPT, JSON.stringify(told)); } catch { /* then it is not said */ }
    location.assign(told.url);
    return;
  }
  toast(told.message ?? '', undoing(told.undo));
  closeSheet();
  redraw();
}

function sayKept() {
  const kept = sessionStorage.getItem(KEPT);
  if (!kept) return;
  sessionStorage.removeItem(KEPT);
  const told = JSON.parse(kept);
  toast(told.message ?? '', undoing(told.undo));
}

// The column as it is now --------------------------------------------------------------------------------------------

let asking, drawing;

const busy = (element) => Boolean(element.querySelector('[data-fact-form]'))
  || [...element.querySelectorAll('input:not([type="hidden"]), textarea')].some((field) => field.value !== field.defaultValue && field.type !== 'radio' && field.type !== 'checkbox');

// Open sections stay open; data that a verification had opened is fetched again, and removed if it has ended.
function keepOpen(old, fresh) {
  for (const details of old.querySelectorAll('details[data-keep][open], .sla details[open]')) {
    const key = details.dataset.keep;
    const same = key ? fresh.querySelector(`details[data-keep="${CSS.escape(key)}"]`) : null;
    if (same) same.open = true;
  }
}

function swap(old, fresh, force) {
  if (old.isEqualNode(fresh) || (busy(old) && !force)) return;
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const again = held && (held.id ? `#${CSS.escape(held.id)}` : held.dataset.editFact ? `[data-edit-fact="${CSS.escape(held.dataset.editFact)}"]` : null);
  keepOpen(old, fresh);
  old.replaceWith(fresh);
  if (held) (again && fresh.querySelector(again) || fresh.querySelector('a, button, summary'))?.focus({ preventScroll: true });
}

function drawColumn(html, force) {
  const fresh = document.createElement('template');
  fresh.innerHTML = html;  // escaped by the server, as in the page itself
  const wanted = fresh.content.querySelector('[data-ticket-side]');
  const old = new Map([...column().children].map((element) => [element.dataset.part, element]));
  let last = null;
  for (const element of [...wanted.children]) {
    const there = old.get(element.dataset.part);
    old.delete(element.dataset.part);
    if (there) {
      swap(there, element, force && element.dataset.part === 'who');  // what is over goes, whatever is being typed
      last = column().querySelector(`:scope > [data-part="${element.dataset.part}"]`);
    } else {
      if (last) last.after(element);
      else column().prepend(element);
      last = element;
    }
  }
  for (const gone of old.values()) gone.remove();
}

function drawActions(html) {
  if (actions().querySelector('details[open]')) return;  // a menu is open
  const fresh = document.createElement('template');
  fresh.innerHTML = html;
  const wanted = fresh.content.querySelector('[data-ticket-actions]');
  if (wanted && !wanted.isEqualNode(actions())) actions().replaceWith(wanted);
}

async function redraw({ force = false } = {}) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const answer = await fetch(column().dataset.ticketSide, { headers: { Accept: 'application/json' }, signal }).catch(() => null);
  if (!answer) return;
  if (answer.status === 401 || answer.status === 404) { location.reload(); return; }
  if (!answer.ok) return;
  const told = await answer.json().catch(() => null);  // cut off in its midst, by the network or by the next one
  await released();
  if (!told || signal.aborted) return;
  drawColumn(told.sidebar, force);
  drawActions(told.actions);
  const heading = document.querySelector('.page-head h1');
  if (heading && heading.textContent.trim() !== told.subject) heading.textContent = told.subject;
  refreshTimes();
  dueTimes();
}

function redrawSoon() {
  clearTimeout(drawing);
  drawing = setTimeout(redraw, SETTLE);
}

// Sheets -------------------------------------------------------------------------------------------------------------

let sheet;

function newSheet() {
  sheet = Object.assign(document.createElement('dialog'), { className: 'sheet ticket-sheet' });
  sheet.setAttribute('aria-labelledby', 'sheet-title');
  document.body.append(sheet);
}

const closeSheet = () => { if (sheet?.open) sheet.close(); };

async function openSheet(url) {
  let html;
  try {
    html = await part(url);
  } catch {
    location.assign(url);  // the page itself says what is wrong
    return;
  }
  if (html === null) return;
  if (!sheet) newSheet();
  sheet.innerHTML = html;
  if (!sheet.open) sheet.showModal();
  (sheet.querySelector('[autofocus]') ?? sheet.querySelector('.sheet-body input, .sheet-body button, .sheet-body a'))?.focus();
}

// Forms --------------------------------------------------------------------------------------------------------------

function fault(form, text, name) {
  form.querySelector('.form-fault')?.remove();
  const line = Object.assign(document.createElement('div'), { className: 'invalid-feedback form-fault', textContent: text });
  line.setAttribute('role', 'alert');
  const field = name ? form.elements.namedItem(name) : null;
  const place = field instanceof RadioNodeList ? null : field;
  form.querySelectorAll('[aria-invalid]').forEach((one) => one.removeAttribute('aria-invalid'));
  if (place && place.type !== 'hidden' && place.type !== 'submit') {
    line.id = `${place.id || name}-fault`;
    place.setAttribute('aria-invalid', 'true');
    place.setAttribute('aria-describedby', line.id);
    place.closest('.field, .check')?.append(line) ?? place.after(line);
    place.focus();
  } else form.prepend(line);
}

/** Put the form there again with the server's question in it: whether a number is a support PIN. */
async function question(form, fields) {
  const answer = await fetch(form.action, { method: 'POST', body: fields, headers: { 'X-Sheet': '1', Accept: 'text/html' } });
  const page = document.createElement('template');
  page.innerHTML = await answer.text();
  const asked = page.content.querySelector('form[data-do], form[data-fact-form]');
  form.replaceWith(asked);
  asked.querySelector('[autofocus]')?.focus();
}

async function submit(form, submitter) {
  if (form.dataset.sending) return;
  form.dataset.sending = '';
  const menu = form.closest('details[data-menu]');
  if (menu) menu.open = false;
  const fields = new FormData(form, submitter);
  try {
    const told = await send(form.action, fields);
    if (told) endEdit(form.closest('[data-fact]'));
    settle(told);
  } catch (error) {
    if (error.told?.code === 'pin_like') {
      await question(form, fields);
      return;
    }
    const inline = form.closest('.ticket-sheet, [data-fact]');
    if (inline) fault(form, error.message, form.dataset.factForm ? 'value' : Object.keys(error.told?.fields ?? {})[0]);
    else toast(error.message);
    if (error.status === 409 || error.status === 404) redraw();
  } finally {
    delete form.dataset.sending;
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.matches('[data-verify]')) { event.preventDefault(); verify(form); return; }
  if (form.matches('[data-do], [data-fact-form]')) {
    if (!column()) return;  // the form's own page: it goes the plain way
    event.preventDefault();
    submit(form, event.submitter);
  } else if (form.matches('.ticket-sheet [data-again]')) {
    event.preventDefault();
    const asked = new FormData(form, event.submitter);
    openSheet(`${form.getAttribute('action')}?${new URLSearchParams([...asked].filter(([name]) => name !== 'csrf_token'))}`);
  }
});

document.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest('a[data-sheet]');
  if (link && (column() || link.closest('dialog'))) {
    event.preventDefault();
    const menu = link.closest('details[data-menu]');
    if (menu) menu.open = false;
    openSheet(link.href);
    return;
  }
  const edit = event.target.closest('a[data-edit-fact]');
  if (edit && column()) {
    event.preventDefault();
    const menu = edit.closest('details[data-menu]');
    if (menu) menu.open = false;
    editFact(edit.dataset.editFact, edit.href);
    return;
  }
  const back = event.target.closest('[data-fact-cancel]');
  if (back) endEdit(back.closest('[data-fact]'));
});

// Facts in their place -----------------------------------------------------------------------------------------------

async function editFact(key, url) {
  const there = () => column().querySelector(`[data-fact="${CSS.escape(key)}"]`);
  if (!there() || there().querySelector('form')) return;
  const html = await part(url).catch(() => null);
  if (html === null) { location.assign(url); return; }
  const place = there();  // the sidebar may have been redrawn meanwhile
  if (!place || place.querySelector('form')) return;
  column().querySelectorAll('[data-fact].is-edited').forEach(endEdit);
  place.classList.add('is-edited');
  place.insertAdjacentHTML('beforeend', html);
  place.scrollIntoView({ block: 'nearest' });
  const field = place.querySelector('input:not([type="hidden"]), select');
  field?.focus();
  field?.select?.();
}

function endEdit(place) {
  if (!place) return;
  const focused = place.contains(document.activeElement);
  place.querySelector('[data-fact-form]')?.remove();
  place.classList.remove('is-edited');
  if (focused) place.querySelector('[data-edit-fact]')?.focus();
  redrawSoon();
}

document.addEventListener('keydown', (event) => {
  const place = event.key === 'Escape' && event.target.closest?.('[data-fact].is-edited');
  if (!place) return;
  event.preventDefault();
  event.stopPropagation();
  endEdit(place);
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
  const typed = field.value.trim();
  if (typed.length < 2) return;
  const answer = await fetch(`${field.dataset.customers}?${new URLSearchParams({ search: typed, page_size: 8 })}`, { headers: { Accept: 'application/json' } }).catch(() => null);
  const { items } = answer?.ok ? await answer.json().catch(() => ({ items: [] })) : { items: [] };
  document.getElementById(field.getAttribute('list'))?.replaceChildren(...items.map((one) => Object.assign(document.createElement('option'), { value: one.number, textContent: one.name })));
}

// Giving on: a list that narrows while one types; arrows walk it, Enter takes the first.
const fold = (text) => text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replaceAll('đ', 'dj');
const shown = (form) => [...form.querySelectorAll('[data-name]')].filter((button) => !button.hidden);

function narrow(field) {
  for (const button of field.form.querySelectorAll('[data-name]')) button.hidden = !fold(button.dataset.name).includes(fold(field.value.trim()));
}

document.addEventListener('keydown', (event) => {
  const form = event.target.closest?.('[data-give]');
  if (!form) return;
  const all = shown(form);
  const here = all.indexOf(document.activeElement);
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    const next = here + (event.key === 'ArrowDown' ? 1 : -1);
    (next < 0 ? form.querySelector('[data-give-find]') : all[Math.min(next, all.length - 1)])?.focus();
  } else if (event.key === 'Enter' && event.target.matches('[data-give-find]')) {
    event.preventDefault();
    if (all.length) form.requestSubmit(all[0]);
  }
});

// The verification ---------------------------------------------------------------------------------------------------

function tellVerify(form, content) {
  const said = form.querySelector('[data-said]');
  const line = document.createElement('p');
  line.setAttribute('role', 'alert');
  line.textContent = content;
  said.replaceChildren(typeof content === 'string' ? line : content);
  said.hidden = false;
  form.elements.pin.value = '';
  form.elements.pin.focus();
}

async function verify(form) {
  if (form.dataset.sending) return;
  form.dataset.sending = '';
  try {
    const told = await send(form.action, new FormData(form));
    if (!told) return;
    if (told.verified) {
      form.reset();
      await redraw();
      column().querySelector('[data-part="who"] h2')?.scrollIntoView({ block: 'nearest' });
    } else tellVerify(form, form.querySelector('template[data-failed]').content.cloneNode(true));
  } catch (error) {
    tellVerify(form, error.message);
  } finally {
    delete form.dataset.sending;
  }
}

// What a verification opens is fetched when it is looked at.
document.addEventListener('toggle', async (event) => {
  const details = event.target;
  if (!details.matches?.('details[data-opens]')) return;
  const place = details.querySelector('[data-opened]');
  if (!details.open) return;
  place.setAttribute('aria-busy', 'true');
  const answer = await fetch(details.dataset.opens, { headers: { 'X-Sheet': '1', Accept: 'text/html' } }).catch(() => null);
  place.removeAttribute('aria-busy');
  if (answer?.ok) place.innerHTML = await answer.text();
  else if (answer?.status === 404) redraw({ force: true });  // it is over
  else toast(say('failed'));
}, true);

document.addEventListener('countdown:end', (event) => {
  if (event.target.closest('[data-ticket-side]')) redraw({ force: true });
});

// Time that goes on ----------------------------------------------------------------------------------------------------

function dueTimes() {
  for (const time of document.querySelectorAll('.sla .wait time[data-due]')) {
    time.textContent = dueText(secondsLeft(time));
  }
}

// Keys -----------------------------------------------------------------------------------------------------------------

const typing = (target) => Boolean(target.closest?.('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]'));
let going = 0;

document.addEventListener('keydown', (event) => {
  const key = event.key.toLowerCase();
  const goes = Date.now() - going < 1500;
  going = key === 'g' ? Date.now() : 0;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || goes) return;
  if (document.body.dataset.singleKeys === 'off' || typing(event.target) || document.querySelector('dialog[open]')) return;
  if (key === 'v') {
    const ask = column()?.querySelector('[data-part="who"]');
    const details = ask?.querySelector('details.spoken');
    if (details) details.open = true;
    const first = ask?.querySelector('form[action$="ask-verification"] button, summary, a');
    if (first) { event.preventDefault(); first.focus(); first.scrollIntoView({ block: 'nearest' }); }
    return;
  }
  const control = actions()?.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!control) return;
  event.preventDefault();
  control.click();
});

// Live -------------------------------------------------------------------------------------------------------------------

async function live() {
  sayKept();
  dueTimes();
  setInterval(dueTimes, 15_000);
  setInterval(() => { if (!document.hidden) redraw(); }, EVERY);
  const { on } = await import('../../lib/live.js').catch(() => ({}));
  if (!on) return;
  const { number } = column().dataset;
  on('ticket:changed', (news) => { if (news.number === number) redrawSoon(); });
  // What happened before the connection, or while it was lost.
  on('live:missed', redrawSoon);
  on('live:state', ({ connected }) => { if (connected) redrawSoon(); });
}

if (column()) live();
