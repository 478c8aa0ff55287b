// The messages of a chat on the visitor's page, in their order, each once.
import { linked, time } from '../lib/chat/parts.js';
import { pinQuestion } from '../lib/chat/pins.js';
import { button, element } from '../lib/elements.js';
import { icon as symbol } from '../lib/icons.js';
import { say } from '../lib/texts.js';

const icon = (name) => symbol(name, 'icon icon-sm');

export class Log {
  constructor(place, { retry, settle, change, mask }) {
    this.place = place;
    this.actions = { retry, settle, change, mask };
    this.last = 0;          // the greatest number shown
    this.seenUpTo = 0;
    this.answered = false;
    this.shown = new Map(); // number → element
    this.mine = new Map();  // client id → element
  }

  // Show a stored message; tell whether it is new here.
  add(message) {
    this.last = Math.max(this.last, message.seq);
    const own = message.sender.kind === 'visitor';
    const waiting = own && this.mine.get(message.client_id);
    if (waiting) {
      // As it is stored: a PIN in it was masked.
      this.shown.set(message.seq, waiting);
      this.fill(waiting, message);
      this.settle(waiting, message.seq, message.at);
      return false;
    }
    if (this.shown.has(message.seq)) return false;
    const made = message.kind === 'event' ? this.event(message) : this.message(message, own);
    this.shown.set(message.seq, made);
    if (message.kind === 'reply') this.answered = true;
    if (own && message.client_id) this.mine.set(message.client_id, made);
    this.insert(made, message.seq);
    return true;
  }

  insert(made, seq) {
    if (!made) return;
    made.dataset.seq = seq;
    const after = [...this.place.children].find((one) => Number(one.dataset.seq || Infinity) > seq);
    this.place.insertBefore(made, after || null);
  }

  message(message, own) {
    const made = element('div', `msg ${own ? 'msg-us' : 'msg-them'}`);
    if (!own) made.append(element('small', 'msg-meta', message.sender.name));
    made.append(element('div', 'bubble'), element('div', 'msg-meta'));
    this.fill(made, message);
    if (own) this.settle(made, message.seq, message.at);
    else made.lastChild.textContent = time(message.at);
    return made;
  }

  fill(made, { body, files, masked, not_pin: none }) {
    const bubble = made.querySelector('.bubble');
    bubble.replaceChildren(...linked(body));
    for (const file of files || []) {
      const link = file.url ? element('a', 'msg-file', file.name) : element('span', 'msg-file', file.name);
      if (file.url) { link.href = file.url; link.download = file.name; link.setAttribute('aria-label', say('download', { name: file.name })); }
      link.prepend(icon('clip'));
      bubble.append(...(bubble.childNodes.length ? [document.createElement('br')] : []), link);
    }
    made.toggleAttribute('data-masked', Boolean(masked));
    made.toggleAttribute('data-not-pin', Boolean(none));
  }

  // Show a message that waits to be stored, or was refused.
  pending(message, state, words = '') {
    let made = this.mine.get(message.id);
    if (!made) {
      made = element('div', 'msg msg-us');
      made.append(element('div', 'bubble'), element('div', 'msg-meta'));
      this.fill(made, { body: message.body, files: message.files });
      this.mine.set(message.id, made);
      this.place.append(made);
    }
    made.className = `msg msg-us ${state === 'failed' ? 'is-failed' : state === 'sending' ? 'is-sending' : ''}`;
    const meta = made.querySelector('.msg-meta');
    made.querySelector('.pin-question')?.remove();
    meta.textContent = state === 'added' ? words : state === 'failed' ? `${say('failed')}. ${words} ` : say('sending');
    meta.toggleAttribute('role', false);
    if (state === 'failed') {
      meta.setAttribute('role', 'alert');
      meta.append(button('btn btn-link', () => this.actions.retry(message.id), say('retry')));
    }
  }

  // Ask whether it is a PIN, beside the message that waits for the answer.
  ask(message, refusal) {
    this.pending(message, 'sending');
    const made = this.mine.get(message.id);
    made.className = 'msg msg-us is-pending';
    made.querySelector('.msg-meta').textContent = say('not_sent_yet');
    const question = pinQuestion(refusal, { say, answer: (choice) => this.actions.settle(message.id, choice), change: () => this.actions.change(message.id) });
    made.append(question);
    question.querySelector('button').focus();
  }

  // A number in it was masked afterwards.
  masked({ seq, body, masked, not_pin: none }) {
    const made = this.shown.get(seq);
    if (!made?.querySelector('.bubble')) return;
    const files = [...made.querySelectorAll('.msg-file')];
    this.fill(made, { body, masked, not_pin: none });
    made.querySelector('.bubble').append(...files);
    if (made.classList.contains('msg-us')) this.mark(made);
  }

  sent(id, seq, at) {
    const made = this.mine.get(id);
    if (!made) return;
    this.shown.set(seq, made);
    this.last = Math.max(this.last, seq === this.last + 1 ? seq : this.last);
    this.settle(made, seq, at);
  }

  drop(id) { this.mine.get(id)?.remove(); this.mine.delete(id); }

  settle(made, seq, at) {
    made.className = 'msg msg-us';
    made.dataset.seq = seq;
    made.dataset.at = at;
    this.mark(made);
  }

  mark(made) {
    const seen = Number(made.dataset.seq) <= this.seenUpTo;
    made.classList.toggle('is-seen', seen);
    const meta = [...made.querySelectorAll(':scope > .msg-meta')].at(-1);
    meta.removeAttribute('role');
    meta.textContent = `${time(made.dataset.at)} `;
    meta.append(icon(seen ? 'check-2' : 'check'), say(seen ? 'seen' : 'sent'));
    if (made.dataset.notPin !== undefined) {
      meta.append(button('btn btn-link', () => this.actions.mask(Number(made.dataset.seq)), say('mask_number')));
    }
    if (made.dataset.masked !== undefined) meta.prepend(element('span', 'msg-masked', icon('lock'), element('span', '', say('pin_hidden'))));
  }

  seen(seq) {
    if (!(seq > this.seenUpTo)) return;
    this.seenUpTo = seq;
    for (const made of this.mine.values()) if (made.dataset.seq) this.mark(made);
  }

  event({ event, at }) {
    const words = {
      claimed: () => say('taken', { name: event.to }), assigned: () => say('taken', { name: event.to }), stepped_in: () => say('transferred', { name: event.to }),
      transferred: () => say('transferred', { name: event.to }), requeued: () => say(`requeued_${event.why === 'agent_gone' ? 'agent_gone' : 'passed_on'}`),
      ended: () => say(event.by === 'visitor' ? 'ended_by_visitor' : 'ended_by_staff'), ticketed: () => say('ticketed', { number: event.number }),
      closing_soon: () => say('closing_soon', { time: time(event.closes_at) }),
      verification_asked: () => say('asked'), verified: () => say('verified'), verification_failed: () => say('not_verified'),
    }[event.event];
    return words ? element('div', `chat-event${event.event === 'verified' ? ' is-verified' : ''}`, `${words()} · ${time(at)}`) : null;
  }
}
