// The entries of one chat in order, each once; unsent messages come last.
import { linked, time } from '../lib/chat/parts.js';
import { pinQuestion } from '../lib/chat/pins.js';
import { button, element } from '../lib/elements.js';
import { icon } from '../lib/icons.js';
import { count, say } from '../lib/texts.js';
import { now } from '../lib/times.js';
import { english, me } from './page.js';
import { desk } from './store.js';

const day = new Intl.DateTimeFormat(english ? 'en-GB' : 'sr-Latn-RS', { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' });
const OFFERED = new Set(['verification_asked', 'verified', 'verification_failed']);
const HIDDEN = '••••••';

export class Timeline {
  constructor(chat, { retry, edit, settle, mask }) {
    this.chat = chat;      // () => everything about the chat, as far as it is known
    this.actions = { retry, edit, settle, mask };
    this.last = 0;         // up to this number all is shown
    this.lastDay = '';
    this.own = new Map();  // client id → element of what we wrote
    this.pendingCard = null;     // the sealed card that waits
    this.fresh = null;
    this.place = element('div', 'chat');
    this.place.setAttribute('role', 'log');
    this.place.setAttribute('aria-live', 'polite');
  }

  /** Show the entry that comes next; tell whether it was new here. */
  add(message) {
    if (message.seq !== this.last + 1) return false;
    this.last = message.seq;
    const mine = message.sender.id === me && message.client_id ? this.own.get(message.client_id) : null;
    const made = mine ?? (message.kind === 'event' ? this.event(message) : this.message(message));
    this.dayLine(message.at);
    if (made) {
      this.put(made);
      if (mine) this.fill(mine, message);
      if (message.kind === 'reply' || message.kind === 'note') this.settle(made, message);
    }
    return true;
  }

  put(made) { this.place.insertBefore(made, this.place.querySelector('[data-pending]')); }

  dayLine(at) {
    const date = at.slice(0, 10);
    if (date === this.lastDay) return;
    this.lastDay = date;
    const words = day.format(new Date(`${date}T12:00:00Z`));
    const back = (Date.parse(desk.today) - Date.parse(date)) / 86_400_000;
    const name = back === 0 ? say('today') : back === 1 ? say('yesterday') : '';
    this.put(element('div', 'day', name ? `${name}, ${words}` : words.charAt(0).toUpperCase() + words.slice(1)));
  }

  /** Draw the line above what came while the chat was not on screen, if there is none yet. */
  markFresh() {
    if (this.fresh) return;
    this.fresh = element('div', 'fresh', say('fresh'));
    this.put(this.fresh);
  }

  /** Draw it before an entry that is there already. */
  markFreshAfter(seq) {
    this.clearFresh();
    const first = [...this.place.children].find((made) => Number(made.dataset.seq) > seq && made.classList.contains('msg-them'));
    if (!first) return;
    this.fresh = element('div', 'fresh', say('fresh'));
    this.place.insertBefore(this.fresh, first);
  }

  clearFresh() {
    this.fresh?.remove();
    this.fresh = null;
  }

  message(message) {
    const kind = { visitor: 'msg-them', note: 'msg-us msg-note' }[message.kind] ?? 'msg-us';
    const made = element('div', `msg ${kind}`, element('div', 'bubble'), element('div', 'msg-meta'));
    this.fill(made, message);
    if (message.kind === 'visitor') {
      made.dataset.seq = message.seq;
      made.dataset.at = message.at;
      this.theirs(made);
    } else if (message.sender.id === me && message.client_id) this.own.set(message.client_id, made);
    return made;
  }

  /** The line below a message of the visitor. */
  theirs(made) {
    const { at, masked } = made.dataset;
    const hidden = masked === undefined ? [] : [element('span', 'msg-masked', icon('lock'), element('span', '', say('pin_hidden')))];
    made.querySelector('.msg-meta').replaceChildren(time(at), ...hidden, ...this.hide(made));
  }

  /** A button that masks what its writer said is no PIN. */
  hide(made) {
    if (made.dataset.notPin === undefined) return [];
    return [this.button('mask_number', Number(made.dataset.seq), 'mask')];
  }

  /** A number in it was masked afterwards. */
  masked({ seq, body, masked, not_pin: none }) {
    const made = this.place.querySelector(`.msg[data-seq="${Number(seq)}"]`);
    if (!made) return;
    const files = [...made.querySelectorAll('.msg-file')];
    this.fill(made, { body, masked, not_pin: none });
    made.querySelector('.bubble').append(...files);
    if (made.classList.contains('msg-them')) this.theirs(made);
    else this.mark(made);
  }

  /** Ask whether it is a PIN, beside the message that waits for the answer. */
  ask(message, refusal) {
    this.pending(message, 'sending');
    const made = this.own.get(message.id);
    made.className = `msg msg-us ${message.kind === 'note' ? 'msg-note ' : ''}is-pending`;
    made.querySelector('.msg-meta').replaceChildren(say('not_sent_yet'));
    const question = pinQuestion(refusal, { say, answer: (choice) => this.actions.settle(message.id, choice), change: () => this.actions.edit(message.id) });
    made.append(question);
    question.querySelector('button').focus();
  }

  fill(made, { body, files, masked, not_pin: none }) {
    made.toggleAttribute('data-masked', Boolean(masked));
    made.toggleAttribute('data-not-pin', Boolean(none));
    const bubble = made.querySelector('.bubble');
    bubble.replaceChildren(...linked(body).flatMap(maskedDigits));
    for (const file of files ?? []) {
      const line = element(file.url ? 'a' : 'span', 'msg-file', icon('clip', 'icon icon-sm'), element('bdi', '', file.name));
      if (file.url) Object.assign(line, { href: file.url, download: file.name, title: say('download', { name: file.name }) });
      bubble.append(line);
    }
  }

  // --- what we wrote ------------------------------------------------------------------------------------------------

  /** Show a message that is not stored yet: state is sending, waiting or failed. */
  pending(message, state, words = '') {
    let made = this.own.get(message.id);
    if (made && !('pending' in made.dataset)) return;
    if (!made) {
      made = element('div', '', element('div', 'bubble'), element('div', 'msg-meta'));
      made.dataset.pending = '';
      this.fill(made, message);
      this.own.set(message.id, made);
      this.place.append(made);
    }
    const failed = state === 'failed';
    made.querySelector('.pin-question')?.remove();
    made.className = `msg msg-us ${message.kind === 'note' ? 'msg-note ' : ''}${failed ? 'is-failed' : 'is-sending'}`;
    const meta = made.querySelector('.msg-meta');
    meta.toggleAttribute('role', false);
    if (!failed) return meta.replaceChildren(icon(state === 'waiting' ? 'wifi' : 'clock'), say(state === 'waiting' ? 'waits_for_line' : 'sending'));
    meta.setAttribute('role', 'alert');
    meta.replaceChildren(icon('alert'), element('span', '', `${say('not_sent')} ${words}`), this.button('retry', message.id), this.button('take_text', message.id, 'edit'));
  }

  button(words, id, action = words) {
    return button('btn btn-link', () => this.actions[action](id), say(words));
  }

  drop(id) {
    this.own.get(id)?.remove();
    this.own.delete(id);
  }

  /** Show that something of ours is stored. */
  settle(made, { seq, at, kind, sender }) {
    delete made.dataset.pending;
    Object.assign(made.dataset, { seq, at, kind });
    if (sender.id !== me) made.dataset.by = sender.name;
    this.mark(made);
  }

  mark(made) {
    const { kind, by, at, seq } = made.dataset;
    const meta = made.querySelector('.msg-meta');
    meta.removeAttribute('role');
    if (kind === 'note') {
      made.className = 'msg msg-us msg-note';
      return meta.replaceChildren(icon('note'), [say('note'), say('only_us'), by, time(at)].filter(Boolean).join(' · '), ...this.hide(made));
    }
    const seen = Number(seq) <= (this.chat()?.seen_by_visitor ?? 0);
    made.className = `msg msg-us${seen ? ' is-seen' : ''}`;
    meta.replaceChildren(`${by ? `${by} · ` : ''}${time(at)} `, icon(seen ? 'check-2' : 'check'), say(seen ? 'seen' : 'sent'), ...this.hide(made));
  }

  /** The visitor has read up to here. */
  seen() {
    for (const made of this.place.querySelectorAll('.msg-us[data-kind="reply"]:not(.is-seen)')) this.mark(made);
  }

  // --- what happened ------------------------------------------------------------------------------------------------

  event(message) {
    const { event, at } = message;
    const what = event.event;
    if (OFFERED.has(what) || what === 'verification_withdrawn' || what === 'verification_ended') return this.seal(message);
    const chat = this.chat();
    const values = { ...event, by: message.sender.name, name: chat?.name ?? '', staff: event.staff ?? '—', time: time(event.closes_at) };
    const words = what === 'blocked' ? count('e_blocked', event.days)
      : say(`e_${what}_${event.why ?? event.by}`, values) || say(`e_${what}`, values);
    if (!words) return null;
    if (['ended', 'ticketed', 'requeued', 'transferred', 'stepped_in'].includes(what)) this.doneAsking();
    return element('div', 'chat-event', element('span', '', words), element('span', 'num', ` · ${time(at)}`));
  }

  seal(message) {
    const { event, at } = message;
    if (event.event === 'verification_failed' && !event.over && this.pendingCard) {  // the card stays before them
      return sealOf('seal seal-failed', 'shield-x', say('seal_failed'), '', at, say('seal_failed_text'));
    }
    this.doneAsking();
    if (event.event === 'verification_asked') {
      const made = sealOf('seal', 'shield', say('seal_asked'), say('seal_asked_by', { name: this.chat()?.name ?? '' }), at, say('seal_asked_text', { time: time(event.expires_at) }));
      const left = Date.parse(event.expires_at) - now();
      this.pendingCard = { made, by: message.sender.name, at, ends: setTimeout(() => this.doneAsking(), Math.max(0, left)) };
      return made;
    }
    if (event.event === 'verified') {
      const who = [event.person, event.customer].filter(Boolean).join(', ');
      return sealOf('seal seal-live', 'shield-check', say('seal_live'), who, at, say('seal_live_text', { time: time(event.until) }));
    }
    if (event.event === 'verification_failed') return sealOf('seal seal-failed', 'shield-x', say('seal_failed'), '', at, say(event.over ? 'seal_failed_over' : 'seal_failed_text'));
    return sealOf('seal seal-done', event.event === 'verification_ended' ? 'lock' : 'shield', say(event.event === 'verification_ended' ? 'seal_ended' : 'seal_withdrawn'), '', at);
  }

  /** The card that waited waits no more. */
  doneAsking() {
    if (!this.pendingCard) return;
    const { made, by, at, ends } = this.pendingCard;
    clearTimeout(ends);
    made.replaceWith(sealOf('seal seal-done', 'shield', say('seal_was_asked', { by }), '', at));
    this.pendingCard = null;
  }
}

function sealOf(className, symbol, title, below, at, text = '') {
  const words = element('span', 'grow', element(text ? 'b' : 'span', '', title), ...(below ? [element('br'), element('small', 'muted', below)] : []));
  const made = element('div', className, element('div', 'seal-head', icon(symbol), words, element('small', 'muted num', time(at))));
  if (text) made.append(element('div', 'seal-body', text));
  return made;
}

function maskedDigits(part) {
  if (typeof part !== 'string' || !part.includes(HIDDEN)) return [part];
  return part.split(HIDDEN).flatMap((words, place) => {
    if (!place) return [words];
    const digits = element('span', 'digits', HIDDEN);
    digits.title = say('hidden_digits');
    return [digits, words];
  });
}
