// The ticket list: counts of its views, rows that stay true without a reload, and what is done to many at once.
import { confirm, picked, toast } from '../../lib/dialogs.js';
import { element } from '../../lib/elements.js';
import { askToSignIn, get, post } from '../../lib/http.js';
import { released } from '../../lib/pressed.js';
import '../../lib/sent.js';
import { count, say } from '../../lib/texts.js';
import { HOUR, dueText, secondsLeft } from '../../lib/times.js';

const SETTLE = 1_000;  // changes within this time are fetched together
const POLL = 30_000;  // where there is no live connection
const COUNT_EVERY = 10_000;
const MOST_SHOWN = 100;
const list = document.querySelector('[data-list]');
const form = document.querySelector('[data-mass]');
const rowOf = (number) => document.querySelector(`[data-ticket="${CSS.escape(number)}"]`)?.closest('tr');

const read = (url) => get(url).catch(askToSignIn);

// Counts -------------------------------------------------------------
const views = document.querySelector('[data-counts]');
let countedAt = 0, counting;

async function countViews() {
  countedAt = Date.now();
  const answer = await read(views.dataset.counts);
  if (!answer) return;
  for (const link of views.querySelectorAll('[data-view]')) {
    const number = answer.counts[link.dataset.view];
    const box = link.querySelector('[data-count]');
    box.hidden = !number;
    box.textContent = number ? `${number}${answer.more.includes(link.dataset.view) ? '+' : ''}` : '';
    box.classList.toggle('count-hot', link.dataset.view === 'risk' && number > 0);
  }
  const badge = document.querySelector('.side [data-go="t"] [data-badge]');
  if (badge) {
    badge.hidden = !answer.counts.mine;
    badge.textContent = answer.counts.mine > 99 ? '99+' : answer.counts.mine || '';
  }
  const known = document.getElementById('known-tags');
  known?.replaceChildren(...answer.tags.map((tag) => new Option('', tag)));
}

function countSoon() {
  clearTimeout(counting);
  counting = setTimeout(countViews, Math.max(SETTLE, countedAt + COUNT_EVERY - Date.now()));
}

// Rows ---------------------------------------------------------------
const changed = new Set();
const fresh = new Set();
let settling, since = list?.dataset.loaded;

function draw(answer) {
  const row = rowOf(answer.number);
  if (!row) {
    if (answer.listed) fresh.add(answer.number);
    else fresh.delete(answer.number);
    return;
  }
  const focused = row.contains(document.activeElement) && document.activeElement.matches('[data-open]');
  for (const cell of answer.cells) {
    const place = row.querySelector(`[data-cell="${CSS.escape(cell.name)}"]`);
    if (place) place.innerHTML = cell.html;  // escaped by the server, as in the page itself
  }
  row.className = answer.state;
  row.classList.toggle('is-selected', Boolean(row.querySelector('[data-pick]')?.checked));
  row.classList.toggle('is-gone', !answer.listed);
  if (!answer.listed) {
    row.querySelector('[data-cell="subject"]')?.append(element('span', 'gone-words', say('not_listed')));
  }
  if (focused) row.querySelector('[data-open]')?.focus();
}

function announce() {
  const box = document.querySelector('[data-news]');
  box.hidden = fresh.size === 0;
  if (fresh.size) box.querySelector('[data-news-words]').textContent = count('new_rows', fresh.size);
}

function address(parameters) {
  const url = new URL(list.dataset.list, location.origin);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

async function refresh(parameters) {
  const answer = await read(address(parameters));
  if (!answer) return;
  await released();
  answer.rows.forEach(draw);
  if (parameters.since) since = answer.at;  // an answer by number does not cover the other rows
  remember();
  announce();
  dueTimes();
  if (answer.rows.length) countSoon();
}

function settle() {
  const numbers = [...changed].slice(0, MOST_SHOWN);
  changed.clear();
  if (numbers.length) refresh({ numbers: numbers.join(',') });
}

function note(number) {
  changed.add(number);
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLE);
}

// What the ticket's page goes on with: its next and previous are those of this list.
function remember() {
  const numbers = [...document.querySelectorAll('tr:not(.is-gone) [data-ticket]')].map((cell) => cell.dataset.ticket);
  sessionStorage.setItem('desk:list', JSON.stringify({ url: location.pathname + location.search, numbers }));
}

// Back from a ticket, its row is the one to go on from.
function comeBack() {
  remember();
  const number = sessionStorage.getItem('desk:at');
  sessionStorage.removeItem('desk:at');
  if (number) rowOf(number)?.querySelector('[data-open]')?.focus();
}
if (list) addEventListener('pageshow', comeBack);

// Live ---------------------------------------------------------------
let connected = false, quiet;

function sayConnection(on) {
  const came = on && !connected;
  connected = on;
  clearTimeout(quiet);
  const line = document.querySelector('[data-live]');
  if (on) line.hidden = true;
  else quiet = setTimeout(() => { line.querySelector('[data-live-words]').textContent = say('live_off'); line.hidden = false; }, 5_000);
  if (came) refresh({ since });  // what happened while disconnected
}

async function live() {
  sayConnection(false);
  const { on, watchAll } = await import('../../lib/live.js').catch(() => ({}));
  if (!on) return;
  on('live:state', (state) => sayConnection(state.connected));
  on('live:missed', () => refresh({ since }));
  on('ticket:changed', ({ number }) => note(number));
  watchAll();
}

if (list) {
  live();
  setInterval(() => { if (!connected && !document.hidden) refresh({ since }); }, POLL);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && !connected) refresh({ since }); });
}
if (views) (window.requestIdleCallback ?? setTimeout)(countViews);
document.addEventListener('click', (event) => { if (event.target.closest('[data-news-show]')) location.reload(); });
// On a narrow screen the view that is open is in sight.
views?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

// The time left of an SLA target: it runs on.
function dueTimes() {
  for (const box of document.querySelectorAll('[data-due]')) {
    const time = box.querySelector('time');
    const seconds = secondsLeft(time);
    const step = seconds <= 0 ? 4 : seconds <= HOUR ? 3 : seconds <= 4 * HOUR ? 2 : 1;
    time.textContent = dueText(seconds);
    const symbol = box.querySelector('use');
    symbol?.setAttribute('href', symbol.getAttribute('href').replace(/#.*/, `#${['', 'circle', 'clock', 'half', 'alert'][step]}`));
    box.dataset.step = step;
    const row = box.closest('tr');
    row?.classList.toggle('is-late', step === 4);
    row?.classList.toggle('is-risk', step === 3);
  }
}
setInterval(dueTimes, 30_000);

// Picking ------------------------------------------------------------
let lastPicked = null;

document.addEventListener('click', (event) => {
  const box = event.target.closest('[data-pick]');
  if (!box) return;
  const boxes = [...document.querySelectorAll('[data-pick]')];
  if (event.shiftKey && lastPicked && boxes.includes(lastPicked)) {
    const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  lastPicked = box;
});

function pickNone() {
  for (const box of document.querySelectorAll('[data-pick]:checked')) box.checked = false;
  document.querySelector('[data-pick]')?.dispatchEvent(new Event('change', { bubbles: true }));
}

function showBar() {
  if (form) form.dataset.some = picked(form).length ? 'yes' : 'no';
}
document.addEventListener('change', (event) => { if (event.target.matches('[data-pick], [data-pick-all]')) showBar(); });
addEventListener('pageshow', showBar);
showBar();

document.addEventListener('click', (event) => {
  if (event.target.closest('[data-unpick]')) pickNone();
  if (event.target.closest('[data-merge-open]')) openMerge();
});

// Doing --------------------------------------------------------------
async function act(fields) {
  let answer;
  try {
    answer = await post(form.action, fields);
  } catch (refused) {
    askToSignIn(refused);
    return toast(refused.message);
  }
  if (answer.confirm && !fields.sure) {
    if (await confirm(answer.confirm.message, merge.dataset.sure)) await act({ ...fields, sure: '1' });
    return;
  }
  const numbers = [answer.done, answer.refused.map((one) => one.number), fields.into ?? []].flat();
  const undo = answer.undo.length ? { label: say('undo'), run: () => putBack(answer.undo, numbers) } : undefined;
  toast(answer.message, undo);
  for (const one of answer.refused) toast(`${one.number}: ${one.message}`);
  numbers.forEach(note);
  settle();
}

async function putBack(steps, numbers) {
  try {
    for (const step of steps) await post(form.action, step);
    toast(say('undone'));
  } catch (refused) {
    toast(refused.message);
  }
  numbers.forEach(note);
  settle();
}

const keysOf = (boxes) => boxes.map((box) => box.value);

form?.addEventListener('submit', (event) => {
  event.preventDefault();
  const boxes = picked(form);
  if (!boxes.length) return toast(say('select_rows'));
  form.querySelectorAll('details[open]').forEach((menu) => { menu.open = false; });
  const tag = form.querySelector('[name="tag"]');
  act({ do: event.submitter?.value ?? '', rowid: keysOf(boxes), tag: tag.value });
  if (event.submitter?.value.endsWith('tag')) tag.value = '';
});

// Enter on a row's box opens the row; it must not press the first button of the bar.
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !event.target.matches?.('[data-pick]')) return;
  event.preventDefault();
  event.target.closest('tr').querySelector('[data-open]')?.click();
});

// A takes and E solves what is picked, or the row one is on.
document.addEventListener('keydown', (event) => {
  const doing = { a: 'assign:me', e: 'status:solved' }[event.key];
  if (!form || !doing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.body.dataset.singleKeys === 'off' || document.querySelector('dialog[open]')) return;
  if (event.target.closest?.('input:not([type="checkbox"]), textarea, select')) return;
  const here = document.activeElement?.closest('[data-rows] tbody tr')?.querySelector('[data-pick]');
  const boxes = picked(form).length ? picked(form) : here ? [here] : [];
  if (!boxes.length) return;
  event.preventDefault();
  act({ do: doing, rowid: keysOf(boxes) });
});

// Merging: which of those picked stays is chosen among them.
const merge = document.getElementById('merge');

function openMerge() {
  const boxes = picked(form);
  if (boxes.length < 2) return toast(say('choose_two'));
  const oldest = Math.min(...boxes.map((box) => Number(box.value)));
  merge.querySelector('[data-merge-choices]').replaceChildren(...boxes.map((box) => {
    const radio = Object.assign(element('input'), { type: 'radio', name: 'into', value: box.dataset.number, checked: Number(box.value) === oldest });
    return element('label', 'check', radio, element('span', '', element('span', 'ref', box.dataset.number), ` ${box.dataset.title}`));
  }));
  merge.showModal();
}

merge?.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const into = new FormData(event.target).get('into');
  merge.close();
  act({ do: 'merge', rowid: keysOf(picked(form)), into });
});
