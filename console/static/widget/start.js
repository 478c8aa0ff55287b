// The form a conversation begins with. Where no connection comes about, the question goes the plain way: into a ticket.
import { pinFields, pinQuestion } from '../lib/chat/pins.js';
import { element } from '../lib/elements.js';
import { post } from '../lib/http.js';
import { say } from '../lib/texts.js';

const FIELD_OF = { requester_email: 'email', body: 'question', subject: 'question' };  // a ticket's names
const STORED = ['name', 'email', 'question'];
const part = (name) => document.querySelector(`[data-${name}]`);

// What a button of the page's own question says, as the server drew it where no script ran.
function chosen(button) {
  if (button?.name === 'mask') return { mask: true };
  return button?.name === 'not_pin' ? { not_pin: button.value } : {};
}

export class Start {
  /**
   * store: what the browser keeps. about: what goes with each question. identity: of who is signed in to the portal. open(packet) opens a chat,
   * opened(answer) goes on with it; trouble(words) says what went wrong, trying(is) that a question is on its way.
   */
  constructor(form, store, { about, identity, open, opened, trouble, trying }) {
    Object.assign(this, { form, store, about, identity, open, opened, trouble, trying });
    this.pinChoice = null;  // what was said about PINs in the question, and of which text
    const stored = store.get('form') || {};
    for (const name of STORED) if (!form[name].value && stored[name]) form[name].value = stored[name];
    form.addEventListener('input', () => store.set('form', Object.fromEntries(STORED.map((name) => [name, form[name].value]))));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.begin(chosen(event.submitter)); });
    this.askWho();
  }

  // Who is signed in to the portal is not asked who they are.
  askWho() {
    for (const name of ['name', 'email']) this.form.querySelector(`[data-field="${name}"]`).hidden = Boolean(this.identity);
  }

  // One id for one opening: sent again after a lost answer, it is the same chat.
  opening(choice) {
    const { form, identity } = this;
    const question = form.question.value;
    if (this.pinChoice?.question !== question) this.pinChoice = { question };
    if (choice.mask) this.pinChoice.mask = true;
    if (choice.not_pin) this.pinChoice.not_pin = [...(this.pinChoice.not_pin ?? []), choice.not_pin];
    const opening = { name: form.name.value, email: form.email.value, department: form.department.value, question, ...this.about, ...(identity ? { identity } : {}), ...pinFields(this.pinChoice) };
    const whole = JSON.stringify(opening);
    const before = this.store.get('opening');
    const id = before?.content === whole ? before.id : crypto.randomUUID();
    this.store.set('opening', { id, content: whole });
    return { opening, id };
  }

  async begin(choice = {}) {
    this.clearErrors();
    this.trouble('');
    const button = part('submit');
    button.disabled = true;
    const { opening, id } = this.opening(choice);
    try {
      const answer = await this.open({ ...opening, client_id: id });
      this.store.set('opening', null);
      this.store.set('form', { name: opening.name, email: opening.email, question: '' });
      await this.opened(answer);
    } catch (refusal) {
      if (refusal.code === 'signed_out') { this.identity = ''; this.askWho(); }
      if (refusal.code === 'network') this.offerTicket(refusal, opening, id);
      else if (refusal.code) this.refused(refusal);
      else await this.fallback(opening, id);
    } finally { button.disabled = false; }
  }

  // No socket gets through here: the question goes the plain way and becomes a ticket.
  async fallback(opening, id, words = 'fallback') {
    this.trying(true);
    const { name, email, department, question, mask, not_pin: none } = opening;
    const fields = { name, email, department, question, client_id: id, ...(mask ? { mask: '1' } : {}), not_pin: none ?? [] };
    try {
      const { ticket } = await post(this.form.action, fields);
      this.store.set('form', null);
      this.store.set('opening', null);
      this.form.replaceChildren(element('p', 'alert alert-success', say(words, { number: ticket })));
    } catch (problem) {
      if (problem.code) this.refused(problem.details);
      else this.trouble(say('no_way'));
    } finally { this.trying(false); }
  }

  refused(refusal) {
    this.trouble('');
    if (refusal.code === 'pin_like') return this.askAboutPin(refusal);
    const inputs = Object.entries(refusal.fields || {}).filter(([, texts]) => texts.length).map(([name, [text]]) => this.mark(FIELD_OF[name] || name, text));
    const first = inputs.find(Boolean);
    if (first) return first.focus();
    const box = part('refused');
    box.hidden = false;
    box.querySelector('p').textContent = refusal.message;
  }

  askAboutPin(refusal) {
    const question = pinQuestion(refusal, { say, answer: (choice) => this.begin(choice), change: () => { question.remove(); this.form.question.focus(); } });
    part('submit').before(question);
    question.querySelector('button').focus();
  }

  /** Say what is wrong with a field; return it, where it is there. */
  mark(name, text) {
    const place = this.form.querySelector(`[data-field="${name}"]`);
    if (!place || place.hidden) return null;
    place.querySelector('[data-error]').textContent = text;
    const input = place.querySelector('.form-control');
    input.classList.add('is-invalid');
    input.setAttribute('aria-invalid', 'true');
    return input;
  }

  // Others on the same network take the places of a chat: the question need not wait for them.
  offerTicket(refusal, opening, id) {
    this.refused(refusal);
    const offer = part('as-ticket');
    offer.hidden = false;
    offer.disabled = false;
    offer.onclick = async () => {
      offer.disabled = true;
      await this.fallback(opening, id, 'ticketed');
      offer.disabled = false;
    };
    offer.focus();
  }

  clearErrors() {
    this.form.querySelector('.pin-question')?.remove();
    part('refused').hidden = true;
    part('as-ticket').hidden = true;
    for (const place of this.form.querySelectorAll('[data-error]')) place.textContent = '';
    for (const input of this.form.querySelectorAll('.is-invalid')) { input.classList.remove('is-invalid'); input.removeAttribute('aria-invalid'); }
  }
}
