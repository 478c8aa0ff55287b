// The chats that are looked at: their entries, what is on its way, the draft. Several at once.
import { LATER, Outbox } from '../lib/chat/outbox.js';
import { pinFields } from '../lib/chat/pins.js';
import { toast } from '../lib/dialogs.js';
import { say } from '../lib/texts.js';
import { storage, me, on, outboxStore, tell, unsent } from './page.js';
import { call, connected, hear, mention } from './connection.js';
import { changed, chats, isMine, mine, take } from './store.js';
import { Timeline } from './timeline.js';

const MOST_ROOMS = 30;     // of chats that are not mine
const TYPING_ENDS = 6_000;
const rooms = new Map();   // number → Room
let open = null;

export const current = () => open;
export const roomOf = (number) => rooms.get(number);

class Room {
  constructor(number) {
    this.number = number;
    this.chat = chats.get(number) ?? null;
    this.outbox = new Outbox(outboxStore(number));
    this.timeline = new Timeline(() => this.chat, { retry: (id) => this.retry(id), edit: (id) => this.takeBack(id), settle: (id, choice) => this.settle(id, choice), mask: (seq) => this.mask(seq) });
    this.draft = storage.get(`draft:${number}`);  // not acknowledged yet: newer than the server's
    this.isDraftSaved = this.draft === null;           // whether the server has it
    this.files = [];
    this.scrolled = null;                      // null: at the end
    this.online = null;
    this.typing = { visitor: 0, staff: null };
    this.loaded = false;
    this.watched = false;
    this.readUpTo = 0;
    this.meanwhile = null;
    for (const message of this.outbox.all()) this.timeline.pending(message, message.failed ? 'failed' : 'waiting');
  }

  get isMine() { return this.chat !== null && isMine(this.chat); }
  get isLive() { return ['queued', 'active'].includes(this.chat?.status); }

  // --- reading ------------------------------------------------------------------------------------------------------

  /** Fetch what is not here yet, by number. One request at a time; a call during a request repeats it. */
  async catchUp() {
    if (this.catching) { this.again = true; return; }
    this.catching = true;
    try {
      let more = true;
      while (more) {
        this.again = false;
        const answer = await call('chat:watch', { chat: this.number, after: this.timeline.last });
        this.watched = true;
        for (const message of answer.messages) this.show(message);
        more = answer.more || this.again;
        this.online = answer.online ?? this.online;
        if (!answer.card) this.timeline.doneAsking();
        this.takeDraft(answer.draft);
        this.take(answer.chat);
      }
      if (!this.loaded) this.timeline.markFreshAfter(this.isMine ? this.chat.seen : Infinity);
      this.loaded = true;
      this.failed = false;
    } catch (refusal) {
      this.failed = true;
      if (refusal.code === 'not_found' || refusal.code === 'not_allowed') tell('room:none', this);
    } finally { this.catching = false; }
    tell('room', this);
    this.drain();
  }

  take(chat) {
    const before = this.chat;
    if (before && chat.seq < before.seq) return;  // a push has overtaken this answer
    this.chat = { ...before, ...chat };
    if (before?.seen_by_visitor !== this.chat.seen_by_visitor) this.timeline.seen();
    if (!this.isLive) this.timeline.doneAsking();
    take(chat);
    const about = (one) => one && [one.status, one.verified, one.verified_until, one.assignee?.id, one.ticket, one.rating].join();
    if (about(before) !== about(this.chat)) tell('about', this, before);
    tell('room', this);
  }

  /** What a row says; everything else stays as it was. */
  takeRow(row) {
    if (this.chat) Object.assign(this.chat, row);
    else {  // the list came before the chat's own answer, which then changes nothing that is told
      this.chat = row;
      tell('about', this, null);
    }
    if (this.watched && !this.catching && row.seq > this.timeline.last && connected()) this.catchUp();
    tell('room', this);
  }

  /** A message that came: shown if it is the next one; where one is missing, that is fetched. */
  receive(message) {
    if (message.seq <= this.timeline.last) return;
    if (message.seq > this.timeline.last + 1) { this.catchUp(); return; }
    if (message.kind === 'visitor') this.typing.visitor = 0;
    if (message.kind === 'visitor' && (this !== open || document.hidden)) this.timeline.markFresh();
    const before = this.timeline.own.has(message.client_id);
    this.show(message);
    const foreign = ['reply', 'note'].includes(message.kind) && message.sender.id !== me && !before;
    if (foreign && (this.draft?.body || '').trim()) this.meanwhile = message.sender.name;
    tell('message', this, message);
  }

  show(message) {
    if (message.sender.id === me && message.client_id) this.outbox.stored(message.client_id);
    if (this.timeline.add(message) && message.kind === 'event' && message.event.event.startsWith('verif')) tell('about', this, this.chat);
  }

  /** Say that it was read up to here, where it is mine and on screen. */
  read() {
    const seq = this.timeline.last;
    if (!this.isMine || !this.loaded || document.hidden || seq <= Math.max(this.readUpTo, this.chat.seen ?? 0) || !connected()) return;
    this.readUpTo = seq;
    call('chat:read', { chat: this.number, seq }).catch(() => { this.readUpTo = 0; });
    this.chat.seen = seq;
    const row = chats.get(this.number);
    if (row) row.seen = Math.max(row.seen, seq);
    tell('lists');
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  send(kind, body, files) {
    const message = this.outbox.put(body, files, { kind });
    this.timeline.clearFresh();
    this.timeline.pending(message, connected() ? 'sending' : 'waiting');
    this.drain();
  }

  retry(id) {
    this.outbox.again(id);
    this.drain();
  }

  /** Send a message after its author has answered the PIN question. */
  settle(id, choice) {
    this.outbox.settle(id, choice);
    tell('focus:text');
    this.drain();
  }

  /** Mask, in a message that is stored, what its writer said is no PIN. */
  async mask(seq) {
    try {
      const { body } = await call('message:mask', { chat: this.number, seq });
      this.timeline.masked({ seq, body, masked: 1 });
    } catch (refusal) { toast(refusal.message || say('failed')); }
  }

  /** Take what was refused back into the box. */
  takeBack(id) {
    const message = this.outbox.all().find((one) => one.id === id);
    if (!message) return;
    this.outbox.stored(id);
    this.timeline.drop(id);
    this.write(message.kind, [this.draft?.body, message.body].filter(Boolean).join('\n'));
    tell('draft', this);
  }

  async drain() {
    if (this.draining || !connected()) return;
    this.draining = true;
    try {
      for (let next = this.outbox.next(); next; next = this.outbox.next()) {
        this.timeline.pending(next, 'sending');
        if (!await this.sendOne(next)) break;
      }
    } finally { this.draining = false; }
  }

  async sendOne(message) {
    const packet = { chat: this.number, client_id: message.id, body: message.body, kind: message.kind, files: message.files.map((file) => file.id), ...pinFields(message) };
    try {
      const { seq, at } = await call('message:send', packet);
      this.outbox.stored(message.id);
      // As it is stored, where that may be another text than was typed.
      if (message.mask) { this.catchUp(); return true; }
      const shape = { seq, at, kind: message.kind, body: message.body, not_pin: message.not_pin?.length, client_id: message.id, sender: { id: me }, files: this.filesOf(message) };
      if (seq === this.timeline.last + 1) { this.timeline.add(shape); tell('message', this, shape); }
      else if (seq > this.timeline.last) this.catchUp();
      return true;
    } catch (refusal) {
      if (!refusal.code) { this.timeline.pending(message, 'waiting'); this.later(); return false; }
      if (LATER.has(refusal.code)) {
        await new Promise((resume) => { setTimeout(resume, 1000 * (refusal.retry_after || 1.5)); });
        return true;
      }
      this.outbox.fail(message.id);
      if (refusal.code === 'pin_like') this.timeline.ask(message, refusal);
      else this.timeline.pending(message, 'failed', refusal.message);
      return true;
    }
  }

  filesOf(message) {
    return message.files.map((file) => ({ ...file, url: `/console/desk/${this.number}/files/${file.id}` }));
  }

  /** Without an answer it is tried again under the same id, at the latest in a while. */
  later() {
    clearTimeout(this.waits);
    this.waits = setTimeout(() => this.drain(), 5_000);
  }

  // --- the draft ----------------------------------------------------------------------------------------------------

  write(kind, body) {
    this.draft = { kind, body };
    this.isDraftSaved = false;
    storage.set(`draft:${this.number}`, this.draft);
    tell('draft:state', this);
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keep(), 800);
  }

  async keep() {
    clearTimeout(this.keeping);
    if (this.isDraftSaved || !connected()) return;
    const sentDraft = this.draft;
    try {
      await call('chat:draft', { chat: this.number, kind: sentDraft.kind, body: sentDraft.body });
      if (this.draft !== sentDraft) return;
      this.isDraftSaved = true;
      storage.set(`draft:${this.number}`, null);
    } catch (refusal) {
      if (refusal.code) return;
    }
    tell('draft:state', this);
  }

  takeDraft(draft) {
    if (!this.isDraftSaved || (this.draft?.body && this.loaded)) return;
    const had = this.draft?.body ?? '';
    this.draft = draft ?? this.draft;
    if ((this.draft?.body ?? '') !== had) tell('draft', this);
  }
}

function make(number) {
  if (!rooms.has(number)) rooms.set(number, new Room(number));
  return rooms.get(number);
}

/** Look at a chat; what was being written in the other one stays there. */
export function enter(number) {
  if (open?.number === number) return open;
  const left = open;
  open = number ? make(number) : null;
  if (left) leave(left);
  tell('entered', open, left);
  if (open && connected()) open.catchUp();
  return open;
}

function leave(room) {
  room.keep();
  room.timeline.clearFresh();
  if (room.isMine) return;
  mention('chat:unwatch', { chat: room.number });
  room.watched = false;
  const foreign = [...rooms.values()].filter((one) => !one.isMine && one !== open && !one.outbox.all().length && one.isDraftSaved);
  for (const one of foreign.slice(0, Math.max(0, foreign.length - MOST_ROOMS))) rooms.delete(one.number);
}

/** Join the rooms of all my chats, open on the page or not. */
function watchMine() {
  for (const row of mine()) {
    const room = make(row.chat);
    if (!room.watched && !room.catching) room.catchUp();
  }
}

on('arrived', () => {
  for (const room of rooms.values()) room.watched = false;  // a new connection is in no room
  for (const number of unsent()) make(number);
  for (const room of rooms.values()) {
    if (room === open || room.isMine) room.catchUp();
    else room.drain();
    room.keep();
  }
  watchMine();
});
on('missed', () => {
  for (const room of rooms.values()) if (room.watched) room.catchUp();
});
on('line', (state) => {
  if (state === 'ok') return;
  for (const room of rooms.values()) for (const message of room.outbox.all()) if (!message.failed) room.timeline.pending(message, 'waiting');
});
on('row', (row) => {
  rooms.get(row.chat)?.takeRow(row);
  if (isMine(row) && connected()) watchMine();
});
on('gone', (row) => { const room = rooms.get(row.chat); if (room?.watched) room.catchUp(); });

hear('queue:changed', changed);
hear('message:new', (message) => rooms.get(message.chat)?.receive(message));
hear('message:masked', (message) => rooms.get(message.chat)?.timeline.masked(message));
hear('chat:state', (chat) => { const room = rooms.get(chat.chat); if (room) room.take(chat); else take(chat); });
hear('chat:read', ({ chat, seq }) => {
  const room = rooms.get(chat);
  if (!room?.chat) return;
  room.chat.seen_by_visitor = Math.max(seq, room.chat.seen_by_visitor ?? 0);
  room.timeline.seen();
});
hear('chat:visitor', ({ chat, online }) => {
  const room = rooms.get(chat);
  if (!room) return;
  room.online = online;
  if (!online) room.typing.visitor = 0;
  tell('room', room);
});
hear('chat:typing', ({ chat, typing, sender }) => {
  const room = rooms.get(chat);
  if (!room || sender.id === me) return;
  const until = typing ? Date.now() + TYPING_ENDS : 0;
  if (sender.kind === 'visitor') room.typing.visitor = until;
  else room.typing.staff = until ? { name: sender.name, until } : null;
  tell('typing', room);
  if (until) setTimeout(() => tell('typing', room), TYPING_ENDS + 50);
});
for (const event of ['verification:requested', 'verification:result']) hear(event, ({ chat }) => { const room = rooms.get(chat); if (room) tell('about', room, room.chat); });
