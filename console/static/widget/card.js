// The sealed card: e-mail and PIN go to the server, and stay nowhere here.
import { say } from '../lib/texts.js';

export class Card {
  /** submit(fields) sends it, again() fetches how the chat stands, shown(seal) is told when it is there. */
  constructor(template, place, { submit, again, shown }) {
    Object.assign(this, { template, place, submit, again, shown });
    this.seal = null;
  }

  /** Show the card to the chat's visitor, or take it away. */
  show(asked, chat) {
    if (!asked) {
      this.seal?.remove();
      this.seal = null;
    } else if (!this.seal) this.draw(chat);
  }

  draw(chat) {
    const seal = this.template.content.firstElementChild.cloneNode(true);
    if (chat?.known) seal.querySelector('[data-email]').remove();
    else seal.email.value = chat?.email || '';
    seal.addEventListener('submit', (event) => { event.preventDefault(); this.send(seal); });
    this.seal = seal;
    this.place.append(seal);
    this.shown(seal);
  }

  async send(seal) {
    const button = seal.querySelector('button');
    button.disabled = true;
    seal.querySelector('[data-card-error]').hidden = true;
    const fields = { email: seal.email?.value || '', pin: seal.pin.value };
    seal.pin.value = '';  // it stays nowhere
    try {
      const answer = await this.submit(fields);
      if (answer.verified) return this.show(null);
      this.failed(seal, answer.over);
    } catch (refusal) {
      this.say(seal, refusal.fields?.pin?.[0] || refusal.fields?.email?.[0] || refusal.message || say('reconnecting'));
      // It is there no more; or they were signed out meanwhile, and now the address is asked for.
      if (refusal.code === 'no_card' || (refusal.fields?.email && !this.seal?.email)) {
        this.show(null);
        this.again();
      }
    } finally { button.disabled = false; }
  }

  failed(seal, over) {
    this.say(seal, `${say('not_verified')}. ${over ? say('card_over') : say('not_verified_help')}`);
    if (!over) return seal.pin.focus();
    this.seal = null;  // it stays in the conversation, shut
    seal.querySelectorAll('input, button').forEach((one) => { one.disabled = true; });
  }

  say(seal, words) {
    const problem = seal.querySelector('[data-card-error]');
    problem.textContent = words;
    problem.hidden = false;
  }
}
