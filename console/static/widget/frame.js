// The visitor's side of a chat. Messages stay here until the server has acknowledged them.
import { get } from '../lib/http.js';
import { connect, line } from '../lib/socket.js';
import { LATER, Outbox } from '../lib/chat/outbox.js';
import { banner, drawAnnouncement, headline, hoursWords, isOpen } from './banner.js';
import { pinFields } from '../lib/chat/pins.js';
import { Card, offerEnd } from './asking.js';
import { Files, sayFor, typingLine, throttledTyping } from './composer.js';
import { Log } from './log.js';
import { Start } from './start.js';
import { say } from '../lib/texts.js';

const $ = (selector) => document.querySelector(`[data-${selector}]`);
const ANSWER = 8_000;       // milliseconds to wait for an acknowledgement
const PING_EVERY = 20_000;  // how often a connection is pinged
const AGAIN = 3_000;
const SPREAD = 2_000;        // so that clients do not all ask at once
const GIVE_UP = 10_000;     // without a connection the form makes a ticket
const BACK = 2_500;         // how long "Reconnected" is shown
const PROBLEM = 8_000;      // how long a refusal is shown
const LOOKS_EVERY = 15_000; // how often the time is looked at: it opens, closes, is about to close
const state = JSON.parse(document.getElementById('state').textContent);
const language = document.documentElement.lang.startsWith('en') ? 'en' : 'sr_Latn';
const embedded = window.parent !== window;
const fixed = new URLSearchParams(location.search).has('fixed');  // part of a page, where it is always open

const store = {
  get(key) { try { return JSON.parse(localStorage.getItem(`chat:${key}`)); } catch { return null; } },
  set(key, value) { try { value === null ? localStorage.removeItem(`chat:${key}`) : localStorage.setItem(`chat:${key}`, JSON.stringify(value)); } catch { /* no storage: it lives as long as the page */ } },
};

// Which browser this is: what one visitor may open is counted by it, not by the address of their whole office.
const visitor = store.get('visitor') || state.visitor;
store.set('visitor', visitor);

let token = store.get('token');
let chat = null;        // the server's last state
let hours = state.hours;
let link = 'ok';        // the connection: ok, lost, or back a moment ago
let problem = '';       // what was refused just now
let trying = false;     // to get a question through without a socket
let visible = !embedded || fixed;
let unread = 0;
const title = document.title;
let lastRead = 0;
let readBefore = 0;     // up to this number it was read before this page was there
let clockOffset = Date.parse(hours.now) - Date.now();
const now = () => Date.now() + clockOffset;
const outbox = new Outbox(store);
const log = new Log($('log'), {
  retry: (id) => { outbox.again(id); drain(); },
  settle: (id, choice) => { outbox.settle(id, choice); text.focus(); drain(); },
  change: takeBack,
  mask: (seq) => { call('message:mask', { seq }).then(({ body }) => log.masked({ seq, body, masked: 1 })).catch((refusal) => { if (refusal.code) composerError(refusal.message); }); },
});

const card = new Card($('card'), $('log'), {
  submit: (fields) => call('verification:submit', fields, 15_000),
  again: () => { sync(); },
  shown: (seal) => {
    scroll();
    if (visible) (seal.email?.value ? seal.pin : seal.email || seal.pin).focus();
  },
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
    card.show(answer.card, chat);
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
  if (['verified', 'verification_withdrawn', 'ended', 'ticketed', 'requeued', 'transferred'].includes(event.event)) card.show(null);
}

function news() {
  if (!visible || document.hidden) setUnread(unread + 1);
}

// To the page around us; without one the title says it.
function setUnread(number) {
  unread = number;
  if (embedded) postToParent({ unread });
  else document.title = unread ? `(${unread}) ${title}` : title;
}

function read() {
  if (!visible || document.hidden || !chat) return;
  if (unread) setUnread(0);
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
  files.show([...message.files, ...files.all]);
  store.set('draft', text.value || null);
  text.focus();
}

// --- the composer -----------------------------------------------------------------------------------------------

const text = $('text');
const composer = $('composer');
const files = new Files($('files'), { token: () => token, changed: () => text.focus(), failed: composerError });

function send() {
  const body = text.value.trim();
  if ((!body && !files.all.length) || files.uploading) return;
  const message = outbox.put(body, files.all);
  log.pending(message, 'sending');
  text.value = '';
  files.show([]);
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
text.addEventListener('paste', (event) => { if (event.clipboardData.files.length) { event.preventDefault(); files.attach(event.clipboardData.files); } });
$('file').addEventListener('change', (event) => { files.attach(event.target.files); event.target.value = ''; });
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => { event.preventDefault(); if (chat?.status === 'active' || chat?.status === 'queued') files.attach(event.dataTransfer.files); });

function composerError(words) { sayFor($('composer-error'), words); }

const setTyping = throttledTyping((now) => {
  if (!socket.connected || chat?.status !== 'active') return false;
  socket.emit('chat:typing', { typing: now }, () => {});
  return true;
});
const typing = typingLine($('typing'), scroll);

// --- beginning --------------------------------------------------------------------------------------------------

const form = $('start');
if (form) new Start(form, store, {
  about: { language, page: new URLSearchParams(location.search).get('page') || '' },
  identity: new URLSearchParams(location.hash.slice(1)).get('identity') || '',
  open: async (packet) => { await connect(socket, GIVE_UP); return call('chat:open', { ...packet, visitor }, 15_000); },
  opened: async (answer) => {
    token = answer.chat.token;
    store.set('token', token);
    take(answer.chat, answer.hours);
    await sync();
    text.focus();
  },
  trouble,
  trying: (is) => { trying = is; show(); },
});

function clearChat() {
  token = null;
  chat = null;
  outbox.clear();
  for (const key of ['token', 'draft', 'opening']) store.set(key, null);
}

function restart(question = '') {
  clearChat();
  store.set('form', { ...store.get('form'), question });
  socket.disconnect();
  location.reload();
}

// The server knows no chat here, or its time is over: then a new one may begin, with what was not sent yet.
function lostChat(refusal) {
  if (refusal.code === 'no_chat') restart();
  if (refusal.code !== 'gone') return;
  const unsent = [...outbox.all().map((message) => message.body), store.get('draft') || ''].filter(Boolean).join('\n');
  clearChat();
  if (form && unsent && !form.question.value) form.question.value = unsent;
  card.show(null);
  trouble(refusal.message);
}

offerEnd({
  call,
  chat: () => chat,
  ended: async (answer) => { take(answer.chat); await sync(); },
  failed: (refusal) => trouble(refusal.code ? refusal.message : say('no_answer')),
  again: () => restart(store.get('draft') || ''),
});

// --- what is shown ----------------------------------------------------------------------------------------------

function show() {
  const talking = chat !== null;
  if (form) form.hidden = talking;
  $('log').hidden = !talking;
  const live = talking && ['queued', 'active'].includes(chat.status);
  composer.hidden = !(live || chat?.status === 'ticketed');
  $('end').hidden = !live;
  $('after').hidden = !talking || live || chat.status === 'ticketed' && !log.answered;
  if (talking && chat.rated) $('rate').hidden = true;
  drawAnnouncement($('announcement'), state.announcement, now());
  const open = isOpen(hours, now());
  $('presence').classList.toggle('presence-off', !open);
  const closed = document.querySelector('[data-closed]');
  if (closed) closed.hidden = open;
  put($('hours'), headline(chat) ? say(...headline(chat)) : hoursWords(hours, open, now()));
  const { words, good } = banner({
    link, chat, hours, problem, now: now(), notice: state.notice_minutes, anybody: state.anybody,
    opening: trying || (Boolean(token) && !talking), unsent: Boolean(store.get('draft')),
  });
  const place = $('line');
  put(place, words.map(([key, values]) => say(key, values) || key).join(' '));  // what was refused is words already
  place.hidden = !words.length;
  place.classList.toggle('is-ok', good);
}

// A repeated line is not announced again.
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

function scroll() {
  const body = $('body');
  requestAnimationFrame(() => { body.scrollTop = body.scrollHeight; });
}

function postToParent(message) { if (embedded) window.parent.postMessage({ supportChat: true, ...message }, '*'); }

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
hear('verification:requested', (request) => { card.show(request, chat); news(); });
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
  visible = Boolean(event.data.shown);
  if (visible) { read(); scroll(); if (chat && !composer.hidden) text.focus(); else form?.name.focus(); }
});
document.addEventListener('visibilitychange', () => { read(); if (!document.hidden) look(); });
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && !$('ask').open) postToParent({ close: true }); });
$('close').hidden = !embedded || fixed;
$('close').addEventListener('click', () => postToParent({ close: true }));

text.value = store.get('draft') || '';
setHours(hours);
setInterval(look, LOOKS_EVERY);
for (const message of outbox.all()) log.pending(message, message.failed ? 'failed' : 'sending');
if (token) socket.connect();
