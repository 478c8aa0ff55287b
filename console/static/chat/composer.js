// Writing in the chat that is open: a reply or a note, files, the draft.
import { toast } from '../lib/dialogs.js';
import { button, element } from '../lib/elements.js';
import { icon } from '../lib/icons.js';
import { post } from '../lib/http.js';
import { say } from '../lib/texts.js';
import { base, on, one, root, tell } from './page.js';
import { connected, mention } from './connection.js';
import { close as closeOffers } from './canned.js';
import { current } from './rooms.js';
import { desk, identity } from './store.js';

const form = one('[data-composer]');
const text = one('[data-text]');
const tabs = { reply: one('[data-mode-to="reply"]'), note: one('[data-mode-to="note"]') };
const MOST = Number(root.dataset.mostFiles);
const LARGEST = Number(root.dataset.maxSize);
const TYPING_EVERY = 3_000;
const UPLOAD = 30_000;  // milliseconds that a file may take
let mode = 'reply';
// An agent who takes a chat writes at once, and means the visitor: what is typed while the claim is on its way is a reply,
// and an Enter pressed then waits for the claim. Without this it went out as a note that the visitor never saw.
const early = { room: null, enter: false };

const mayReply = (room) => room.isMine;
const isTaking = (room) => desk.taking > 0 && !mayReply(room);

// --- the mode -------------------------------------------------------------------------------------------------------

function draw() {
  const room = current();
  if (!room) return;
  const replies = mayReply(room);
  if (!replies) mode = 'note';
  form.classList.toggle('composer-note', mode === 'note');
  for (const [name, tab] of Object.entries(tabs)) {
    tab.setAttribute('aria-selected', String(name === mode));
    tab.disabled = name === 'reply' && !replies;
  }
  const name = room.chat ? identity(room.chat).name : '';
  text.setAttribute('aria-label', say(mode === 'note' ? 'note_on' : 'to', { name }));
  text.placeholder = say(mode === 'note' ? 'write_note' : 'write_reply');
  const why = one('[data-mode-why]');
  why.hidden = replies || !room.chat;
  why.textContent = why.hidden ? '' : say(!room.isLive ? 'over' : room.chat.status === 'queued' ? 'take_first' : 'watching');
  one('[data-choose-files]').disabled = !room.isLive;
}

/** Write a reply or a note. */
export function setMode(requested, focus = true) {
  const room = current();
  if (!room) return;
  if (requested === 'reply' && !mayReply(room)) toast(say(room.isLive ? 'take_first' : 'over'));
  else mode = requested;
  draw();
  closeOffers();
  if (room.draft?.body) room.write(mode, text.value);
  if (focus) text.focus();
}
for (const [name, tab] of Object.entries(tabs)) {
  tab.addEventListener('click', () => setMode(name));
  tab.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    setMode(name === 'reply' ? 'note' : 'reply', false);
    tabs[mode].focus();
  });
}

// --- the text -------------------------------------------------------------------------------------------------------

function fill() {
  const room = current();
  if (!room) return;
  text.value = room.draft?.body ?? '';
  if (room.draft?.body) mode = room.draft.kind;
  else mode = mayReply(room) ? 'reply' : 'note';
  draw();
  drawFiles();
  drawDraftState(room);
}

function drawDraftState(room) {
  if (room !== current()) return;
  const line = one('[data-draft-state]');
  if (!room.draft?.body) line.textContent = '';
  else if (room.isDraftSaved) line.textContent = say('saved');
  else line.textContent = say(connected() ? 'saving' : 'kept_here');
}

text.addEventListener('input', () => {
  const room = current();
  if (!room) return;
  if (isTaking(room)) early.room = room;
  room.write(mode, text.value);
  typing(room, Boolean(text.value.trim()));
});

let typedAt = 0;
let stops = 0;
function typing(room, now) {
  clearTimeout(stops);
  if (now) stops = setTimeout(() => typing(room, false), 4_000);
  if (now ? Date.now() - typedAt < TYPING_EVERY : !typedAt) return;
  typedAt = now ? Date.now() : 0;
  if (room.isLive) mention('chat:typing', { chat: room.number, typing: now, kind: mode });
}

/** Send what is written; tell whether something was sent. */
export function send() {
  const room = current();
  const body = text.value.trim();
  if (!room?.chat || (!body && !room.files.length)) return false;
  if (room.files.some((file) => !file.id)) { toast(say('wait_uploads')); return false; }
  if (isTaking(room)) { Object.assign(early, { room, enter: true }); return false; }
  if (mode === 'reply' && !mayReply(room)) { toast(say('take_first')); draw(); return false; }
  room.send(mode, body, room.files);
  room.files = [];
  room.meanwhile = null;
  text.value = '';
  room.write(mode, '');
  typing(room, false);
  closeOffers();
  drawFiles();
  tell('sent', room);
  return true;
}

form.addEventListener('submit', (event) => { event.preventDefault(); send(); });
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.defaultPrevented) return;
  event.preventDefault();
  if (send() && (event.ctrlKey || event.metaKey)) tell('next');
});

// --- files ----------------------------------------------------------------------------------------------------------

function drawFiles() {
  const room = current();
  const list = one('[data-files]');
  list.hidden = !room?.files.length;
  list.replaceChildren(...(room?.files ?? []).map((file) => {
    const name = element('span', 'truncate', element('bdi', '', file.name));
    const remove = button('btn btn-ghost btn-icon btn-sm', () => { room.files = room.files.filter((one_) => one_ !== file); drawFiles(); text.focus(); }, icon('x', 'icon icon-sm'));
    remove.setAttribute('aria-label', say('remove', { name: file.name }));
    return element('li', `chip${file.id ? '' : ' is-uploading'}`, icon(file.id ? 'clip' : 'upload', 'icon icon-sm'), name, file.id ? null : element('span', 'sr-only', say('uploading', { name: file.name })), remove);
  }));
}

function add(added) {
  const room = current();
  if (!room?.isLive) return;
  for (const file of added) {
    if (room.files.length >= MOST) { toast(say('too_many')); return; }
    if (file.size > LARGEST) toast(say('too_large', { name: file.name }));
    else upload(room, file);
  }
}

async function upload(room, file) {
  const entry = { id: 0, name: file.name || 'file', size: file.size };
  room.files = [...room.files, entry];
  drawFiles();
  const body = new FormData();
  body.append('file', file, entry.name);
  try {
    Object.assign(entry, (await post(`${base}${room.number}/files`, body, { timeout: UPLOAD })).file);
  } catch (refused) {
    room.files = room.files.filter((one_) => one_ !== entry);
    toast(refused.status ? say('refused', { name: entry.name, problem: refused.message }) : say('upload_failed', { name: entry.name }));
  }
  if (room === current()) drawFiles();
}

const input = one('[data-file-input]');
one('[data-choose-files]').addEventListener('click', () => input.click());
input.addEventListener('change', () => { add(input.files); input.value = ''; });
text.addEventListener('paste', (event) => {
  if (!event.clipboardData?.files.length) return;
  event.preventDefault();
  add(event.clipboardData.files);
});
const pane = one('.pane-chat');
const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
pane.addEventListener('dragover', (event) => { if (hasFiles(event)) { event.preventDefault(); form.dataset.drop = ''; } });
pane.addEventListener('dragleave', (event) => { if (!pane.contains(event.relatedTarget)) delete form.dataset.drop; });
pane.addEventListener('drop', (event) => {
  delete form.dataset.drop;
  if (!hasFiles(event)) return;
  event.preventDefault();
  add(event.dataTransfer.files);
});

// --- what changes meanwhile -----------------------------------------------------------------------------------------

export const focus = () => text.focus();

on('entered', (room, left) => {
  if (left && typedAt) typing(left, false);
  closeOffers();
  if (room) fill();
});
on('focus:text', () => text.focus());
on('draft', (room) => { if (room === current()) fill(); });
on('draft:state', drawDraftState);
on('line', () => { if (current()) drawDraftState(current()); });
on('about', (room, before) => {
  if (room !== current()) return;
  const was = mode;
  if (room.isMine && (!text.value.trim() || room === early.room)) mode = 'reply';
  draw();
  if (room.isMine && room === early.room) writeEarly(room);
  if (was === 'reply' && mode === 'note' && text.value.trim() && before) toast(say(room.isLive ? 'handed_on' : 'over'));
});
on('claimed', () => Object.assign(early, { room: null, enter: false }));

function writeEarly(room) {
  const { enter } = early;
  Object.assign(early, { room: null, enter: false });
  room.write(mode, text.value);
  if (enter) send();
}
