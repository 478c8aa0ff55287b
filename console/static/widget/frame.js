// The visitor's side of a chat. What is written is kept here until the server has said that it is stored.
import { button, element } from '../lib/elements.js';
import { get, post } from '../lib/http.js';
import { line } from '../lib/socket.js';
import { LATER, Outbox } from '../lib/chat/outbox.js';
import { banner, headline, isOpen } from './banner.js';
import { pinFields, pinQuestion } from '../lib/chat/pins.js';
import { Log } from './log.js';
import { say } from '../lib/texts.js';

const $ = (selector) => document.querySelector(`[data-${selector}]`);
const ANSWER = 8_000;       // milliseconds to wait for an acknowledgement
const PING_EVERY = 20_000;  // how often a connection is asked whether it lives
const AGAIN = 3_000;
const SPREAD = 2_000;        // not everybody asks at once
const GIVE_UP = 10_000;     // without a connection the form makes a ticket
const BACK = 2_500;         // how long it is said that the connection is back
const PROBLEM = 8_000;      // how long it is said what was refused
const UPLOAD = 120_000;     // milliseconds that a file may take
const LOOKS_EVERY = 15_000; // how often the time is looked at: it opens, closes, is about to close
const state = JSON.parse(document.getElementById('state').textContent);
const language = document.documentElement.lang.startsWith('en') ? 'en' : 'sr_Latn';
let identity = new URLSearchParams(location.hash.slice(1)).get('identity') || '';
const page = new URLSearchParams(location.search).get('page') || '';
const embedded = window.parent !== window;

const store = {
  get(key) { try { return JSON.parse(localStorage.getItem(`chat:${key}`)); } catch { return null; } },
  set(key, value) { try { value === null ? localStorage.removeItem(`chat:${key}`) : localStorage.setItem(`chat:${key}`, JSON.stringify(value)); } catch { /* no storage: it lives as long as the page */ } },
};

// Which browser this is: what one visitor may open is counted by it, not by the address of their whole office.
const visitor = store.get('visitor') || state.visitor;
store.set('visitor', visitor);

let token = store.get('token');
let chat = null;        // as the server last told
let hours = state.hours;
let link = 'ok';        // the connection: ok, lost, or back a moment ago
let problem = '';       // what was refused just now
let trying = false;     // to get a question through without a socket
let shown = !embedded;
let unread = 0;
let lastRead = 0;
let readBefore = 0;     // up to this number it was read before this page was there
let clockOffset = Date.parse(hours.now) - Date.now();
const now = () => Date.now() + clockOffset;
const outbox = new Outbox(store);
const log = new Log($('log'), {
  retry: (id) => { outbox.again(id); drain(); },
  settle: (id, said) => { outbox.settle(id, said); text.focus(); drain(); },
  change: takeBack,
  mask: (seq) => { call('message:mask', { seq }).then(({ body }) => log.masked({ seq, body, masked: 1 })).catch((refusal) => { if (refusal.code) composerError(refusal.message); }); },
});

const { socket, hear, arrived } = line('/visitor', { reconnectionDelayMax: 8_000, auth: (give) => give({ token, language }) });

// --- asking the server ------------------------------------------------------------------------------------------

async function call(event, packet = {}, wait = ANSWER) {
  const answer = await socket.timeout(wait).emitWithAck(event, packet);
  if (!answer.ok) throw Object.assign(new Error(answer.error.message), answer.error);
  return answer;
}

async function sync() {
  let more = true;
  while (more) {
    const answer = await call('chat:sync', { after: log.last });
    readBefore = Math.max(readBefore, chat ? 0 : answer.chat.mine);
    answer.messages.forEach(receive);
    if (!answer.messages.length) log.last = Math.max(log.last, answer.more ? log.last + 1 : answer.chat.seq);
    more = answer.more;
    state.anybody = answer.anybody ?? state.anybody;
    take(answer.chat, answer.hours);
    card(answer.card);
  }
  return true;
}

function take(news, newHours) {
  if (newHours) setHours(newHours);
  if (chat?.id === news.id && news.seq < chat.seq) return;  // a push has overtaken this answer
  const first = chat === null;
  chat = news;
  log.seen(chat.seen);
  show();
  if (first) scroll();
}

// --- messages ---------------------------------------------------------------------------------------------------

function receive(message) {
  const mine = message.sender.kind === 'visitor';
  if (mine && message.client_id) outbox.stored(message.client_id, message.seq);
  const fresh = log.add(message);
  if (!fresh) return;
  if (message.kind === 'reply') { typing(false); if (message.seq > readBefore) news(); }
  if (message.kind === 'event') happened(message);
  scroll();
  read();
}

function happened({ event }) {
  if (['verified', 'verification_withdrawn', 'ended', 'ticketed', 'requeued', 'transferred'].includes(event.event)) card(null);
}

function news() {
  if (shown && !document.hidden) return;
  unread += 1;
  tellParent({ unread });
  if (!embedded) document.title = `(${unread}) ${document.title.replace(/^\(\d+\) /, '')}`;
}

function read() {
  if (!shown || document.hidden || !chat) return;
  if (unread) { unread = 0; tellParent({ unread }); document.title = document.title.replace(/^\(\d+\) /, ''); }
  if (log.last > lastRead && socket.connected) {
    lastRead = log.last;
    socket.emit('chat:read', { seq: log.last }, () => {});
  }
}

let draining = false;
async function drain() {
  if (draining || !socket.connected || !chat) return;
  draining = true;
  try {
    for (let next = outbox.next(); next; next = outbox.next()) {
      log.pending(next, 'sending');
      try {
        const answer = await call('message:send', { client_id: next.id, body: next.body, files: next.files.map((file) => file.id), ...pinFields(next) });
        outbox.stored(next.id, answer.seq);
        log.sent(next.id, answer.seq, answer.at);
      } catch (refusal) {
        if (!refusal.code) break;  // no answer: it is tried again with the same id when we are back
        if (LATER.has(refusal.code)) { await new Promise((resume) => setTimeout(resume, 1_000 * (refusal.retry_after || 1.5))); continue; }
        if (['ended', 'ticketed'].includes(refusal.code)) { await afterTheEnd(next, refusal); continue; }
        outbox.fail(next.id);
        if (refusal.code === 'pin_like') { log.ask(next, refusal); scroll(); } else log.pending(next, 'failed', refusal.message);
      }
    }
  } finally { draining = false; }
}

// What was written while the chat ended: into the ticket it became, or back into the box for a new conversation.
async function afterTheEnd(message, refusal) {
  if (refusal.code === 'ticketed') {
    try {
      const answer = await call('ticket:add', { client_id: message.id, body: message.body, ...pinFields(message) });
      outbox.stored(message.id, 0);
      log.pending(message, 'added', say('added', { number: answer.ticket }));
      return;
    } catch (again) {
      if (!again.code) throw again;
      if (again.code === 'pin_like') { outbox.fail(message.id); log.ask(message, again); scroll(); return; }
    }
  }
  outbox.stored(message.id, 0);
  log.drop(message.id);
  store.set('draft', [message.body, store.get('draft') || ''].filter(Boolean).join('\n'));
  await sync();
}

// Back into the box, before what was begun since.
function takeBack(id) {
  const message = outbox.all().find((one) => one.id === id);
  if (!message) return;
  outbox.stored(id);
  log.drop(id);
  text.value = [message.body, text.value].filter(Boolean).join('\n');
  files = [...message.files, ...files];
  drawFiles();
  store.set('draft', text.value || null);
  text.focus();
}

// --- the composer -----------------------------------------------------------------------------------------------

const text = $('text');
const composer = $('composer');
let files = [];

function send() {
  const body = text.value.trim();
  if ((!body && !files.length) || files.some((file) => !file.id)) return;
  const message = outbox.put(body, files);
  log.pending(message, 'sending');
  text.value = '';
  files = [];
  drawFiles();
  store.set('draft', null);
  setTyping(false);
  scroll();
  if (chat && !['queued', 'active'].includes(chat.status) && chat.status !== 'ticketed') return restart(body);
  drain();
}

composer.addEventListener('submit', (event) => { event.preventDefault(); send(); });
text.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
});
text.addEventListener('input', () => { store.set('draft', text.value || null); setTyping(Boolean(text.value)); });
text.addEventListener('paste', (event) => { if (event.clipboardData.files.length) { event.preventDefault(); attach(event.clipboardData.files); } });
$('file').addEventListener('change', (event) => { attach(event.target.files); event.target.value = ''; });
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => { event.preventDefault(); if (chat?.status === 'active' || chat?.status === 'queued') attach(event.dataTransfer.files); });

async function attach(list) {
  for (const file of list) {
    const entry = { id: 0, name: file.name, size: file.size };
    files.push(entry);
    drawFiles();
    try {
      if (file.size > 10 * 1024 * 1024) throw new Error(say('too_large'));
      const form = new FormData();
      form.append('file', file);
      Object.assign(entry, (await post('/chat/files', form, { headers: { 'X-Chat-Token': token }, timeout: UPLOAD })).file);
    } catch (problem) {
      files = files.filter((one) => one !== entry);
      composerError(`${say('upload_failed', { name: file.name })} ${problem.message || ''}`);
    }
    drawFiles();
  }
}

function drawFiles() {
  const list = $('files');
  list.hidden = !files.length;
  list.replaceChildren(...files.map((file) => {
    const remove = button('btn btn-ghost btn-icon', () => { files = files.filter((one) => one !== file); drawFiles(); text.focus(); }, '×');
    remove.setAttribute('aria-label', say('remove_file', { name: file.name }));
    return element('li', 'chip', file.id ? file.name : say('uploading', { name: file.name }), remove);
  }));
}

function composerError(words) {
  const place = $('composer-error');
  place.textContent = words || '';
  place.hidden = !words;
  if (words) setTimeout(() => composerError(''), 8_000);
}

let isTyping = false;
let stopTyping = 0;
function setTyping(now) {
  clearTimeout(stopTyping);
  if (now) stopTyping = setTimeout(() => setTyping(false), 4_000);
  if (now === isTyping || !socket.connected || chat?.status !== 'active') return;
  isTyping = now;
  socket.emit('chat:typing', { typing: now }, () => {});
}

let typingEnds = 0;
function typing(now, name) {
  clearTimeout(typingEnds);
  $('typing').hidden = !now;
  $('typing').title = now ? say('typing', { name: name || say('us') }) : '';
  if (now) { typingEnds = setTimeout(() => typing(false), 6_000); scroll(); }
}

// --- beginning --------------------------------------------------------------------------------------------------

const start = $('start');
if (start) {
  const kept = store.get('form') || {};
  for (const name of ['name', 'email', 'question']) if (!start[name].value && kept[name]) start[name].value = kept[name];
  start.addEventListener('input', () => store.set('form', { name: start.name.value, email: start.email.value, question: start.question.value }));
  start.addEventListener('submit', (event) => { event.preventDefault(); begin(chosen(event.submitter)); });
  askWho();
}

// Who is signed in to the portal is not asked who they are.
function askWho() {
  for (const name of ['name', 'email']) start.querySelector(`[data-field="${name}"]`).hidden = Boolean(identity);
}

// What a button of the page's own question says, as the server drew it where no script ran.
function chosen(button) {
  if (button?.name === 'mask') return { mask: true };
  return button?.name === 'not_pin' ? { not_pin: button.value } : {};
}

let opened = null;  // what was said about PINs in the question, and of which text
async function begin(said = {}) {
  clearErrors();
  trouble('');
  const question = start.question.value;
  if (opened?.question !== question) opened = { question };
  if (said.mask) opened.mask = true;
  if (said.not_pin) opened.not_pin = [...(opened.not_pin ?? []), said.not_pin];
  const button = $('submit');
  button.disabled = true;
  // One id for one opening: sent again after a lost answer, it is the same chat.
  const opening = { name: start.name.value, email: start.email.value, department: start.department.value, question: start.question.value, language, page, ...(identity ? { identity } : {}) };
  Object.assign(opening, pinFields(opened));
  const whole = JSON.stringify(opening);
  const before = store.get('opening');
  const id = before?.said === whole ? before.id : crypto.randomUUID();
  store.set('opening', { id, said: whole });
  try {
    await connected();
    const answer = await call('chat:open', { ...opening, client_id: id, visitor }, 15_000);
    token = answer.chat.token;
    store.set('token', token);
    store.set('opening', null);
    store.set('form', { name: opening.name, email: opening.email, question: '' });
    take(answer.chat, answer.hours);
    await sync();
    text.focus();
  } catch (refusal) {
    if (refusal.code === 'signed_out') { identity = ''; askWho(); }
    if (refusal.code === 'network') offerTicket(refusal, opening, id);
    else if (refusal.code) refused(refusal);
    else await fallback(opening, id);
  } finally { button.disabled = false; }
}

function connected() {
  if (socket.connected) return Promise.resolve();
  socket.connect();
  return new Promise((done, failed) => {
    const late = setTimeout(() => failed(new Error('late')), GIVE_UP);
    socket.once('connect', () => { clearTimeout(late); done(); });
  });
}

// No socket gets through here: the question goes the plain way and becomes a ticket.
async function fallback(opening, id, words = 'fallback') {
  trying = true;
  show();
  try {
    const form = new FormData();
    for (const name of ['name', 'email', 'department', 'question']) form.append(name, opening[name]);
    form.append('client_id', id);
    if (opening.mask) form.append('mask', '1');
    for (const token of opening.not_pin ?? []) form.append('not_pin', token);
    const { ticket } = await post(start.action, form);
    store.set('form', null);
    store.set('opening', null);
    start.replaceChildren(element('p', 'alert alert-success', say(words, { number: ticket })));
  } catch (problem) {
    if (problem.code) refused(problem.details);
    else trouble(say('no_way'));
  } finally { trying = false; show(); }
}

function refused(refusal) {
  trouble('');
  if (refusal.code === 'pin_like') {
    const question = pinQuestion(refusal, { say, answer: begin, change: () => { question.remove(); start.question.focus(); } });
    $('submit').before(question);
    question.querySelector('button').focus();
    return;
  }
  const names = { requester_email: 'email', body: 'question', subject: 'question' };
  let first = null;
  for (const [name, texts] of Object.entries(refusal.fields || {})) {
    const place = start.querySelector(`[data-field="${names[name] || name}"]`);
    if (!place || place.hidden || !texts.length) continue;
    place.querySelector('[data-error]').textContent = texts[0];
    const input = place.querySelector('.form-control');
    input.classList.add('is-invalid');
    input.setAttribute('aria-invalid', 'true');
    first ??= input;
  }
  if (first) return first.focus();
  const box = $('refused');
  box.hidden = false;
  box.querySelector('p').textContent = refusal.message;
}

// Others on the same network take the places of a chat: the question need not wait for them.
function offerTicket(refusal, opening, id) {
  refused(refusal);
  const offer = $('as-ticket');
  offer.hidden = false;
  offer.disabled = false;
  offer.onclick = async () => {
    offer.disabled = true;
    await fallback(opening, id, 'ticketed');
    offer.disabled = false;
  };
  offer.focus();
}

function clearErrors() {
  start.querySelector('.pin-question')?.remove();
  $('refused').hidden = true;
  $('as-ticket').hidden = true;
  for (const place of start.querySelectorAll('[data-error]')) place.textContent = '';
  for (const input of start.querySelectorAll('.is-invalid')) { input.classList.remove('is-invalid'); input.removeAttribute('aria-invalid'); }
}

function restart(question = '') {
  token = null;
  chat = null;
  outbox.clear();
  for (const key of ['token', 'draft', 'opening']) store.set(key, null);
  const kept = store.get('form') || {};
  store.set('form', { ...kept, question });
  socket.disconnect();
  location.reload();
}

// The server knows no chat here, or its time is over: then a new one may begin, with what was not sent yet.
function lostChat(refusal) {
  if (refusal.code === 'no_chat') restart();
  if (refusal.code !== 'gone') return;
  const unsent = [...outbox.all().map((message) => message.body), store.get('draft') || ''].filter(Boolean).join('\n');
  token = null;
  chat = null;
  outbox.clear();
  for (const key of ['token', 'draft', 'opening']) store.set(key, null);
  if (start && unsent && !start.question.value) start.question.value = unsent;
  card(null);
  trouble(refusal.message);
}

// --- the sealed card --------------------------------------------------------------------------------------------

let seal = null;
function card(asked) {
  if (!asked) { seal?.remove(); seal = null; return; }
  if (seal) return;
  seal = $('card').content.firstElementChild.cloneNode(true);
  if (chat?.known) seal.querySelector('[data-email]').remove();
  else seal.email.value = chat?.email || '';
  seal.addEventListener('submit', async (event) => {
    event.preventDefault();
    const problem = seal.querySelector('[data-card-error]');
    const button = seal.querySelector('button');
    button.disabled = true;
    problem.hidden = true;
    const pin = seal.pin.value;
    seal.pin.value = '';  // it stays nowhere
    try {
      const answer = await call('verification:submit', { email: seal.email?.value || '', pin }, 15_000);
      if (answer.verified) return card(null);
      problem.textContent = `${say('not_verified')}. ${answer.over ? say('card_over') : say('not_verified_help')}`;
      problem.hidden = false;
      if (answer.over) { const old = seal; seal = null; old.querySelectorAll('input, button').forEach((one) => { one.disabled = true; }); } else seal.pin.focus();
    } catch (refusal) {
      problem.textContent = refusal.fields?.pin?.[0] || refusal.fields?.email?.[0] || refusal.message || say('reconnecting');
      problem.hidden = false;
      if (refusal.code === 'no_card') { card(null); sync(); }
      if (refusal.fields?.email && !seal?.email) { card(null); sync(); }  // signed out meanwhile: now the address is asked for
    } finally { button.disabled = false; }
  });
  $('log').append(seal);
  scroll();
  if (shown) (seal.email?.value ? seal.pin : seal.email || seal.pin).focus();
}

// --- the end ----------------------------------------------------------------------------------------------------

$('end').addEventListener('click', () => {
  const dialog = $('ask');
  dialog.querySelector('h2').textContent = say('end_question');
  dialog.querySelector('p').textContent = chat.status === 'queued' ? say('end_queued') : '';
  dialog.returnValue = '';
  dialog.showModal();
});
$('ask').addEventListener('close', async (event) => {
  if (event.target.returnValue !== 'yes') return;
  try { const answer = await call('chat:end'); take(answer.chat); await sync(); } catch (refusal) { trouble(refusal.code ? refusal.message : say('no_answer')); }
});
$('rate').addEventListener('submit', async (event) => {
  event.preventDefault();
  const score = Number(event.target.score.value);
  if (!score) return event.target.score[0].focus();
  try { await call('chat:rate', { score, comment: event.target.comment.value }); afterSaid(say('rated')); event.target.hidden = true; } catch (refusal) { afterSaid(refusal.message); }
});
$('transcript').addEventListener('click', async (event) => {
  try { await call('chat:transcript'); afterSaid(say('transcript_sent', { address: chat.email })); event.target.closest('button').hidden = true; } catch (refusal) { afterSaid(refusal.message); }
});
$('again').addEventListener('click', () => restart(store.get('draft') || ''));
function afterSaid(words) { const place = $('after-said'); place.hidden = false; place.textContent = words; }

// --- what is shown ----------------------------------------------------------------------------------------------

function show() {
  const talking = chat !== null;
  if (start) start.hidden = talking;
  $('log').hidden = !talking;
  const live = talking && ['queued', 'active'].includes(chat.status);
  composer.hidden = !(live || chat?.status === 'ticketed');
  $('end').hidden = !live;
  $('after').hidden = !talking || live || chat.status === 'ticketed' && !log.answered;
  if (talking && chat.rated) $('rate').hidden = true;
  announced();
  const open = isOpen(hours, now());
  $('presence').classList.toggle('presence-off', !open);
  const closed = document.querySelector('[data-closed]');
  if (closed) closed.hidden = open;
  put($('hours'), headline(chat) ? say(...headline(chat)) : hoursWords(open));
  const { words, good } = banner({
    link, chat, hours, problem, now: now(), notice: state.notice_minutes, anybody: state.anybody,
    opening: trying || (Boolean(token) && !talking), unsent: Boolean(store.get('draft')),
  });
  const place = $('line');
  put(place, words.map(([key, values]) => say(key, values) || key).join(' '));  // what was refused is words already
  place.hidden = !words.length;
  place.classList.toggle('is-ok', good);
}

// What is said again is not read out again.
function put(place, words) { if (place.textContent !== words) place.textContent = words; }

function trouble(words) {
  problem = words;
  show();
  if (words && chat) setTimeout(() => { if (problem === words) trouble(''); }, PROBLEM);
}

function setHours(news) {
  hours = news;
  clockOffset = Date.parse(hours.now) - Date.now();
  show();
}

// It has opened or closed since the server said so: without a chat there is no push.
async function look() {
  show();
  if (isOpen(hours, now()) === hours.open) return;
  if (chat && socket.connected) { await sync().catch(() => {}); return; }
  const answer = await get('/chat/state').catch(() => null);
  if (!answer) return;
  Object.assign(state, answer);
  announce(answer.announcement);
  setHours(answer.hours);
}

function announce(words) {
  state.announcement = words;
  show();
}

function announced() {
  const words = state.announcement;
  const over = !words?.sr || (words.until && now() >= Date.parse(words.until));
  $('announcement').hidden = over;
  put($('announcement').querySelector('p'), over ? '' : language === 'en' ? words.en : words.sr);
}

function hoursWords(open) {
  if (open && !hours.open) return say('open');
  if (open && !hours.closes_at) return say('open');
  if (open) return say('open_until', { time: hour(hours.closes_at) });
  if (!hours.next_open) return say('closed');
  const opens = new Date(hours.next_open);
  const today = new Date(now());
  const days = Math.round((midnight(opens) - midnight(today)) / 86_400_000);
  const time = hour(hours.next_open);
  if (days <= 0) return say('opens_today', { time });
  if (days === 1) return say('opens_tomorrow', { time });
  const day = opens.toLocaleDateString(language === 'en' ? 'en-GB' : 'sr-Latn-RS', { weekday: 'long', day: 'numeric', month: 'long' });
  return say('opens_on', { day, time });
}
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
const hour = (at) => at ? at.slice(11, 16) : '';

function scroll() {
  const body = $('body');
  requestAnimationFrame(() => { body.scrollTop = body.scrollHeight; });
}

function tellParent(message) { if (embedded) window.parent.postMessage({ supportChat: true, ...message }, '*'); }

// --- the connection ---------------------------------------------------------------------------------------------

arrived(async () => {
  if (link === 'lost') back();
  if (!token) return;
  try { await sync(); drain(); read(); } catch (refusal) { lostChat(refusal); }
});
socket.on('disconnect', lost);
socket.on('connect_error', (refused) => {
  lost();
  if (refused.message === 'unavailable') setTimeout(() => socket.connect(), AGAIN);  // the server is there, its database is not
});
// The server could not pass on what other processes said: what it was is fetched.
socket.on('pushes:missed', () => setTimeout(() => { if (token) sync().catch(() => {}); }, Math.random() * SPREAD));
function lost() {
  if (!chat && !token) return;
  link = 'lost';
  show();
}
function back() {
  link = 'back';
  show();
  setTimeout(() => { if (link === 'back') { link = 'ok'; show(); } }, BACK);
}
// A push may be lost; the numbers show it.
hear('message:new', (message) => { if (message.seq > log.last + 1 && message.kind !== 'event') sync().catch(() => {}); else receive(message); });
hear('message:masked', (message) => log.masked(message));
hear('chat:state', (news) => { take(news.chat, news.hours); if (news.chat.seq > log.last) sync().catch(() => {}); });
hear('chat:typing', ({ sender, typing: now }) => typing(now, sender.name));
hear('chat:read', ({ seq }) => log.seen(seq));
hear('verification:requested', (asked) => { card(asked); news(); });
hear('hours:closing', () => sync().catch(() => {}));
hear('announcement', announce);
setInterval(async () => {
  if (!token || !socket.connected || document.hidden) return;
  // Half-dead connections look alive: ask, and reconnect where no answer comes.
  try { await sync(); drain(); } catch (refusal) { if (!refusal.code) socket.disconnect().connect(); else lostChat(refusal); }
}, PING_EVERY);
window.addEventListener('online', () => { if (token) socket.connect(); });

window.addEventListener('message', (event) => {
  if (event.source !== window.parent || !event.data?.supportChat) return;
  shown = Boolean(event.data.shown);
  if (shown) { read(); scroll(); if (chat && !composer.hidden) text.focus(); else start?.name.focus(); }
});
document.addEventListener('visibilitychange', () => { read(); if (!document.hidden) look(); });
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !$('ask').open) tellParent({ close: true }); });
$('close').hidden = !embedded;
$('close').addEventListener('click', () => tellParent({ close: true }));

text.value = store.get('draft') || '';
setHours(hours);
setInterval(look, LOOKS_EVERY);
for (const message of outbox.all()) log.pending(message, message.failed ? 'failed' : 'sending');
if (token) socket.connect();
