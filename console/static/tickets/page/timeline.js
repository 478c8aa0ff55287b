// The timeline: what is shown of it, earlier entries, what comes in while one looks, how far one has read.
import { toast } from '../../lib/dialogs.js';
import { askToSignIn, get, post } from '../../lib/http.js';
import { released } from '../../lib/pressed.js';
import { say } from '../../lib/texts.js';
import { now, refresh } from '../../lib/times.js';
import { base, me, one, root } from './context.js';

const list = document.getElementById('timeline');
const AGAIN = [1_500, 3_000, 5_000, 10_000, 20_000, 30_000];  // the state of a mail is polled a few times, then seldom
const LOOKED = 800;  // milliseconds; passing by is not reading
const MOST_BACK = 20;  // parts read for an entry that is far up
const past = 'past' in root.dataset;  // an older part is open: nothing is added to it

export const entries = () => [...list.querySelectorAll('li[data-key]')];
export const lastKey = () => Math.max(Number(root.dataset.last), 0);
export const nameOf = (entry) => entry.dataset.name ?? '';
const visible = () => entries().filter((entry) => entry.getClientRects().length);

// What is shown ------------------------------------------------------
export function show(key) {
  list.dataset.shown = key;
  for (const chip of root.querySelectorAll('[data-shows] [data-show]')) {
    const here = chip.dataset.show === key;
    chip.classList.toggle('active', here);
    if (here) chip.setAttribute('aria-current', 'true');
    else chip.removeAttribute('aria-current');
  }
  const url = new URL(location.href);
  if (key === 'all') url.searchParams.delete('show');
  else url.searchParams.set('show', key);
  history.replaceState(history.state, '', url);
  drawEmpty();
}

function drawEmpty() {
  one('[data-nothing]').hidden = visible().length > 0;
}

function drawCounts(counts) {
  for (const [key, many] of Object.entries(counts ?? {})) {
    const place = root.querySelector(`[data-count="${CSS.escape(key)}"]`);
    if (place) place.textContent = many;
  }
}

// Putting entries in -------------------------------------------------
function parsed(html) {
  const box = document.createElement('template');
  box.innerHTML = html;  // escaped by the server, as in the page itself
  return [...box.content.querySelectorAll('li')];
}

const dayLine = (day) => list.querySelector(`.day-line[data-day="${CSS.escape(day)}"]`);

/** Put entries at the end, or in place of what they were; return those that are new. */
function putLast(html) {
  const fresh = [];
  for (const line of parsed(html)) {
    if (line.matches('.day-line')) {
      if (!dayLine(line.dataset.day)) list.append(line);
      continue;
    }
    if (!line.id) continue;
    const before = document.getElementById(line.id);
    if (before) {
      if (before.outerHTML !== line.outerHTML) swap(before, line);
    } else {
      list.append(line);
      fresh.push(line);
    }
  }
  return fresh;
}

function swap(before, line) {
  const focused = before.contains(document.activeElement);
  if (before.querySelector('[data-text]')?.classList.contains('is-folded') === false) line.querySelector('[data-text]')?.classList.remove('is-folded');
  before.replaceWith(line);
  if (focused) line.querySelector('.entry')?.focus({ preventScroll: true });
}

function putFirst(html) {
  const lines = parsed(html);
  const days = new Set(lines.filter((line) => line.matches('.day-line')).map((line) => line.dataset.day));
  for (const day of days) dayLine(day)?.remove();
  list.prepend(...lines);
}

// Earlier ------------------------------------------------------------
const line = one('[data-earlier-line]');
const earlierLink = one('[data-earlier]');

async function earlier() {
  const before = earlierLink.dataset.earlier;
  if (!before) return false;
  const bottom = document.documentElement.scrollHeight - scrollY;
  const answer = await get(`${base}/entries?before=${before}`).catch(() => null);
  if (!answer) {
    toast(say('earlier_failed'));
    return false;
  }
  putFirst(answer.html);
  refresh();
  scrollTo({ top: document.documentElement.scrollHeight - bottom });  // what one reads stays where it is
  earlierLink.dataset.earlier = answer.earlier ?? '';
  earlierLink.href = `?before=${answer.earlier}`;
  line.hidden = !answer.earlier;
  drawEmpty();
  return true;
}

/** Go to the entry that the address names, wherever it is. */
async function toNamed() {
  const anchor = /^#m(\d+)$/.exec(location.hash);
  if (!anchor) return false;
  for (let part = 0; part < MOST_BACK && !document.getElementById(anchor[0].slice(1)); part += 1) {
    if (Number(anchor[1]) > lastKey() || !(await earlier())) break;
  }
  const entry = document.getElementById(anchor[0].slice(1));
  if (!entry) return false;
  if (!entry.getClientRects().length) show('all');
  for (const marked of list.querySelectorAll('.is-named')) marked.classList.remove('is-named');
  entry.classList.add('is-named');
  entry.scrollIntoView({ block: 'center' });
  return true;
}

// What comes in ------------------------------------------------------
let reading = null, again = false, tries = 0, timer;

/** Read what has changed; resolves to the entries that were not there. */
export function news() {
  if (past) return Promise.resolve([]);
  if (reading) {
    again = true;
    return reading;
  }
  reading = read().finally(() => {
    reading = null;
    if (again) { again = false; news(); }
  });
  return reading;
}

async function read() {
  const open = Math.min(lastKey(), ...[...list.querySelectorAll('[data-unsettled]')].map((entry) => Number(entry.dataset.key) - 1));
  let answer;
  try {
    answer = await get(`${base}/entries?after=${Math.max(open, 0)}`);
  } catch (refused) {
    askToSignIn(refused);  // drafts are kept
    return [];
  }
  await released();
  const fresh = putLast(answer.html);
  root.dataset.last = Math.max(lastKey(), answer.last);
  root.dataset.seq = answer.seq;
  root.dataset.status = answer.status;
  one('[data-head]').innerHTML = answer.head;
  drawCounts(answer.counts);
  refresh();
  countDown();
  drawEmpty();
  if (fresh.length) {
    tries = 0;
    root.dispatchEvent(new CustomEvent('ticket:entries', { detail: { entries: fresh, others: fresh.filter((entry) => entry.dataset.by !== me) } }));
    seenSoon();
  }
  follow();
  return fresh;
}

// A mail that waits: its seconds, and whether it has left.
function countDown() {
  for (const time of list.querySelectorAll('[data-leaves]')) {
    const seconds = Math.ceil((Date.parse(time.dateTime) - now()) / 1000);
    if (seconds > 0) time.textContent = `${seconds} s`;
    else {
      time.closest('.entry-foot').querySelector('[data-take-back]')?.remove();
      time.remove();
      tries = 0;
      follow();
    }
  }
}

function follow() {
  clearTimeout(timer);
  if (!list.querySelector('[data-unsettled]') || list.querySelector('[data-leaves]')) return;
  timer = setTimeout(() => { if (document.hidden) follow(); else news(); }, AGAIN[Math.min(tries, AGAIN.length - 1)]);
  tries += 1;
}

// Seen ---------------------------------------------------------------
let seen = 'unread' in root.dataset ? 0 : Number(root.dataset.seq), looking;

function seenSoon() {
  clearTimeout(looking);
  if (document.hidden || past || Number(root.dataset.seq) <= seen) return;
  looking = setTimeout(async () => {
    const seq = Number(root.dataset.seq);
    if (document.hidden) return;
    await post(`${base}/seen`, { seq }).then(() => { seen = Math.max(seen, seq); }, () => {});
  }, LOOKED);
}

// Walking ------------------------------------------------------------
/** Go to the next entry or the one before. */
export function walk(step) {
  const all = visible().map((entry) => entry.querySelector('.entry')).filter(Boolean);
  if (!all.length) return;
  const here = all.findIndex((entry) => entry.contains(document.activeElement));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, here + step));
  reach(all[next]);
}

export function reach(entry) {
  entry?.focus({ preventScroll: true });
  entry?.scrollIntoView({ block: 'nearest' });
}

/** Go to the newest entry with words. */
export function reachLast() {
  reach(visible().map((entry) => entry.querySelector('.entry')).filter(Boolean).at(-1));
}

// Beginning ----------------------------------------------------------
root.addEventListener('click', (event) => {
  const chip = event.target.closest('[data-show]');
  const unfold = event.target.closest('[data-unfold]');
  if (chip && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    show(chip.dataset.show);
  } else if (event.target.closest('[data-earlier]')) {
    event.preventDefault();
    earlier();
  } else if (unfold) {
    const text = unfold.closest('.entry').querySelector('[data-text]');
    const folded = text.classList.toggle('is-folded');
    unfold.setAttribute('aria-expanded', String(!folded));
    unfold.querySelector('span').textContent = say(folded ? 'show_all' : 'show_less');
  }
});
addEventListener('hashchange', toNamed);
document.addEventListener('visibilitychange', seenSoon);
setInterval(countDown, 1000);

export async function begin() {
  drawEmpty();
  follow();
  seenSoon();
  if (await toNamed()) return;
  if (location.hash) return;
  const target = list.querySelector('[data-new]') ?? entries().at(-1);
  target?.scrollIntoView({ block: target.matches('[data-new]') ? 'center' : 'nearest' });
}

