// Writing: a reply or a note, each with its own text; sent once, whatever the connection does.
import { remember as rememberCookie } from '../../lib/cookies.js';
import { toast } from '../../lib/dialogs.js';
import { element } from '../../lib/elements.js';
import { post } from '../../lib/http.js';
import { setTyping } from '../../lib/live.js';
import { sent } from '../../lib/sent.js';
import { say } from '../../lib/texts.js';
import * as drafts from './drafts.js';
import * as files from './attachments.js';
import { base, number, root } from './context.js';
import { openReplies } from './completions.js';
import { lastKey, nameOf, news, reach, reachLast } from './timeline.js';
import { goOn } from './navigation.js';

const form = document.getElementById('composer');
const text = form.elements.body;
const problem = form.querySelector('[data-problem]');
const QUIET = 4_000;  // who has not typed for so long is not writing
const saved = JSON.parse(document.getElementById('ticket-drafts').textContent);
const texts = { reply: begun('reply'), note: begun('note') };
let mode = form.dataset.mode, sending = false, quiet, trying = null;

/** What there is to go on with: this browser's copy where the server has not had it, else the server's. */
function begun(kind) {
  const here = drafts.storedDraft(kind);
  const there = saved[kind];
  if (here?.body) return { ...drafts.fresh(), ...here };
  return { ...drafts.fresh(), body: there?.body ?? '', based_on: there?.based_on ?? 0 };
}

const current = () => texts[mode];

// The two modes ------------------------------------------------------
export function setMode(to, { focus = true } = {}) {
  const tab = form.querySelector(`[data-to="${to}"]`);
  if (tab && to !== mode) {
    mode = to;
    form.dataset.mode = mode;
    form.action = `${base}/${mode}`;
    form.classList.toggle('composer-note', mode === 'note');
    fill();
    say_('');
    drafts.tell('');
  }
  for (const one of form.querySelectorAll('[data-to]')) one.setAttribute('aria-selected', String(one.dataset.to === mode));
  form.querySelector('[role="tabpanel"]').setAttribute('aria-labelledby', `tab-${mode}`);
  for (const look of ['btn-primary', 'btn-secondary']) form.querySelector('[data-keep]').classList.toggle(look, (look === 'btn-primary') === (mode === 'note'));
  text.placeholder = text.dataset[mode === 'note' ? 'placeholderNote' : 'placeholderReply'];
  if (focus) text.focus();
}

function fill() {
  text.value = current().body;
  text.setSelectionRange(text.value.length, text.value.length);  // one goes on where one stopped
  form.elements.client_id.value = current().client_id;
  grow();
}

function grow() {
  if (CSS.supports('field-sizing', 'content')) return;
  text.style.height = 'auto';
  text.style.height = `${text.scrollHeight}px`;
}

// Writing ------------------------------------------------------------
function onInput() {
  const writing = current();
  if (!writing.body.trim() && text.value.trim()) writing.based_on = lastKey();  // what one begins to answer
  writing.body = text.value;
  drafts.keepHere(mode, writing);
  drafts.saveSoon(mode, writing);
  grow();
  setTyping(Boolean(text.value.trim()));
  clearTimeout(quiet);
  quiet = setTimeout(() => setTyping(false), QUIET);
}

// What is wrong ------------------------------------------------------
function say_(words, ...offers) {
  problem.hidden = !words;
  problem.querySelector('[data-problem-words]').textContent = words;
  for (const offer of ['show', 'retry', 'anyway']) problem.querySelector(`[data-problem-${offer}]`).hidden = !offers.includes(offer);
}

let newest = null;  // the entry that came meanwhile

function warn(entries, ...offers) {
  newest = entries.filter((entry) => entry.dataset.kind).at(-1) ?? newest;
  const name = newest ? nameOf(newest) : '';
  say_(name ? say('newer', { name }) : say('newer_some'), 'show', ...offers);
}

root.addEventListener('ticket:entries', ({ detail }) => {
  const written = detail.others.filter((entry) => entry.dataset.kind);
  if (!written.length || sending) return;
  if (mode === 'reply' && text.value.trim() && current().based_on < Number(written.at(-1).dataset.key)) warn(written);
});

problem.addEventListener('click', (event) => {
  const hit = (name) => event.target.closest(`[data-problem-${name}]`);
  if (hit('show')) {
    current().based_on = lastKey();
    if (!newest?.getClientRects().length) root.querySelector('[data-show="all"]').click();
    reach(newest?.querySelector('.entry'));
    say_('');
  } else if (hit('close')) {
    if (newest) current().based_on = lastKey();
    say_('');
    text.focus();
  } else if (hit('retry')) submit(trying);
  else if (hit('anyway')) submit({ ...trying, anyway: '1' });
});

// What looks like a support PIN --------------------------------------
const pinBox = form.querySelector('[data-pin]');
let found = null;  // what the server asks about

function ask(refused) {
  found = refused.details;
  const [token] = found.tokens;
  pinBox.querySelector('[data-pin-words]').replaceChildren(refused.message, ' ', element('b', 'num', found.tokens.join(', ')));
  const none = pinBox.querySelector('[data-pin-none]');
  none.hidden = found.only_mask;
  none.textContent = found.tokens.length > 1 ? say('not_pin_of', { number: token }) : say('not_pin');
  pinBox.hidden = false;
  setTimeout(() => pinBox.querySelector('[data-pin-mask]').focus());  // once it can be pressed again
}

pinBox.addEventListener('click', (event) => {
  const hit = (name) => event.target.closest(`[data-pin-${name}]`);
  if (hit('mask')) submit({ ...trying, mask: '1' });
  else if (hit('none')) submit({ ...trying, not_pin: [...(trying.not_pin ?? []), found.tokens[0]] });
  else if (hit('change')) {
    pinBox.hidden = true;
    text.focus();
  }
});

// Sending ------------------------------------------------------------
function busy(on) {
  sending = on;
  form.setAttribute('aria-busy', String(on));
  text.readOnly = on;  // what was typed now would go with neither
  for (const button of form.querySelectorAll('[data-send], [data-keep], [data-then], [data-problem] button, [data-pin] button')) button.disabled = on;
  if (on) drafts.tell(say('sending'));
}

async function submit(options = {}) {
  if (sending) return;
  const writing = current();
  writing.body = text.value;
  trying = options;
  if (files.uploading()) return say_(say('uploading'), 'retry');
  if (!writing.body.trim()) {
    say_(say('empty'));
    return text.focus();
  }
  say_('');
  pinBox.hidden = true;
  form.querySelector('.pin-question:not([data-pin])')?.remove();
  busy(true);
  writing.tried = true;  // from here on it may have arrived
  drafts.keepHere(mode, writing);
  setTyping(false);
  const kind = mode;
  let answer = null;
  try {
    await drafts.stop(kind);
    answer = await post(`${base}/${kind}`, fields(writing, options));
  } catch (refused) {
    drafts.tell('');
    await failed(kind, writing, refused);
  } finally {
    busy(false);
  }
  if (answer) await done(kind, writing, answer.message);  // it is stored: what is typed from now on is the next message
}

// Copies: of the reply that is being written, never of a note.
const copyFields = () => ['cc', 'bcc'].map((name) => form.elements[name]).filter(Boolean);

function fillCopies(values = {}) {
  for (const field of copyFields()) field.value = (values[field.name] ?? []).join(', ');
  const copyBox = form.querySelector('[data-copies]');
  if (copyBox) copyBox.open = copyFields().some((field) => field.value);
}

function copies() {
  if (mode !== 'reply') return {};
  return Object.fromEntries(copyFields().filter((field) => field.value.trim()).map((field) => [field.name, field.value]));
}

function fields(writing, { then = '', anyway = '', mask = '', not_pin: none = [] }) {
  const sendable = { body: writing.body, client_id: writing.client_id, based_on: writing.based_on || lastKey(), attachments: files.keys(), ...copies() };
  return { ...sendable, ...(then ? { then } : {}), ...(anyway ? { anyway } : {}), ...(mask ? { mask } : {}), ...(none.length ? { not_pin: none } : {}) };
}

async function done(kind, writing, message) {
  drafts.tell('');
  texts[kind] = drafts.fresh();
  drafts.keepHere(kind, texts[kind]);
  files.show([]);
  fill();
  if (kind === 'reply') {
    fillCopies();
    sent({ number, url: new URL(base, location.origin).href, message: message.id, until: Date.parse(message.held_until) });
    if (form.querySelector('[data-goes-on]').checked) return goOn();
  } else toast(say('note_kept'));
  text.blur();  // keys are keys again
  await news();
  if (document.activeElement === document.body) reachLast();  // unless something else was begun already
}

async function failed(kind, writing, refused) {
  if (refused.status === undefined) throw refused;  // a fault of ours, not of the connection
  if (refused.status === 0) return say_(say('not_sent'), 'retry');
  if (refused.status === 401) {
    drafts.keepHere(kind, writing);
    say_(say('sign_in'));
    return setTimeout(() => location.reload(), 1500);
  }
  if (refused.status >= 500) return say_(say('not_stored'), 'retry');
  writing.tried = false;  // refused: it did not arrive
  if (refused.code === 'conflict') {  // an earlier try had arrived, and was changed since
    writing.client_id = drafts.fresh().client_id;
    drafts.keepHere(kind, writing);
    drafts.saveSoon(kind, writing);
    fill();
    await news();
    return say_(say('other_sent'), 'show');
  }
  drafts.saveSoon(kind, writing);
  if (refused.code === 'pin_like') return ask(refused);
  if (refused.code === 'newer') return warn(await news(), 'anyway');
  await news();
  say_(refused.message);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const button = event.submitter;
  form.querySelectorAll('details[open]').forEach((menu) => { menu.open = false; });
  if (button?.dataset.then) remember(button);
  submit({ then: mode === 'reply' ? button?.value ?? '' : '' });
});

function remember(button) {
  const main = form.querySelector('[data-send]');
  main.value = button.value;
  main.querySelector('[data-send-words]').textContent = button.dataset.then;
  rememberCookie('ticket_then', button.value);
}

form.querySelector('[data-goes-on]')?.addEventListener('change', (event) => {
  rememberCookie('ticket_next', event.target.checked ? 'next' : 'stay');
});

text.addEventListener('keydown', (event) => {
  if (event.isComposing) return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    submit({ then: mode === 'note' ? '' : event.shiftKey ? 'solved' : 'waiting' });
  } else if (event.key === 'Escape') text.blur();
});

// Taken back: the text is here again, before what was begun since.
root.addEventListener('ticket:taken-back', async ({ detail }) => {
  await drafts.stop('reply');
  texts.reply = { ...drafts.fresh(), body: detail.draft?.body ?? '', based_on: detail.draft?.based_on ?? lastKey() };
  drafts.keepHere('reply', { ...texts.reply, body: '' });
  files.show(detail.files ?? []);
  fillCopies(detail);
  setMode('reply', { focus: false });
  fill();
  await news();
  text.focus();
});

document.addEventListener('submit', async (event) => {
  const back = event.target.closest('[data-take-back]');
  if (!back) return;
  event.preventDefault();
  const { takeBack } = await import('../../lib/sent.js');
  if (await takeBack()) return;
  try {
    const detail = await post(`${base}/take-back`, { message: back.dataset.takeBack });
    root.dispatchEvent(new CustomEvent('ticket:taken-back', { detail }));
  } catch (refused) {
    toast(refused.message);
    news();
  }
});

// Beginning ----------------------------------------------------------
form.noValidate = true;
for (const tab of form.querySelectorAll('[data-to]')) tab.addEventListener('click', () => setMode(tab.dataset.to));
form.querySelector('[role="tablist"]').addEventListener('keydown', (event) => {
  if (!['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
  const tabs = [...form.querySelectorAll('[data-to]')];
  const to = tabs[(tabs.findIndex((tab) => tab.dataset.to === mode) + 1) % tabs.length];
  setMode(to.dataset.to, { focus: false });
  to.focus();
});
text.addEventListener('input', onInput);
text.addEventListener('blur', () => setTyping(false));

function begin() {
  const refused = form.querySelector('.invalid-feedback');
  if (refused) texts[mode].body = text.value;  // what was typed before the page said no
  if (form.dataset.mode === 'reply' && !texts.reply.body && texts.note.body) setMode('note', { focus: false });
  setMode(mode, { focus: false });
  if (!refused) fill();
  for (const kind of ['reply', 'note']) {
    if (drafts.storedDraft(kind)?.body && saved[kind]?.body !== texts[kind].body) drafts.saveSoon(kind, texts[kind]);
  }
  if (texts[mode].body && saved[mode]) drafts.tell(say('saved', { time: saved[mode].saved }));
  const since = [...document.querySelectorAll('#timeline [data-kind]')].filter((entry) => entry.dataset.by !== document.body.dataset.staff && Number(entry.dataset.key) > texts.reply.based_on);
  if (mode === 'reply' && texts.reply.body.trim() && texts.reply.based_on && since.length) warn(since);
  if (location.hash === '#composer') text.focus();
  place();  // before the timeline scrolls to what is new
  new ResizeObserver(place).observe(form);
  addEventListener('scroll', place, { passive: true });
  addEventListener('resize', place);
}

/** Set the composer's height and position on the page, so that toasts do not cover it. */
function place() {
  const { top, bottom } = form.getBoundingClientRect();
  const seen = top < innerHeight && bottom > 0;
  document.documentElement.style.setProperty('--composer', `${form.offsetHeight}px`);
  document.documentElement.style.setProperty('--above-composer', `${seen ? Math.min(innerHeight - top, innerHeight * 0.75) : 0}px`);
}
begin();

export { openReplies };
