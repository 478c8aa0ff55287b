// What the visitor is asked: who they are, on a sealed card; whether to end; a rating, and what else is offered after it.
import { say } from '../lib/texts.js';

const $ = (selector) => document.querySelector(`[data-${selector}]`);

/** E-mail and PIN go to the server, and stay nowhere here. */
export class Card {
  /** submit(fields) sends it, again() fetches how the chat stands, shown(seal) is told when it is there. */
  constructor(template, place, { submit, again, shown: onShown }) {
    Object.assign(this, { template, place, submit, again, shown: onShown });
    this.seal = null;
  }

  /** Show the card to the chat's visitor, or take it away. */
  show(request, chat) {
    if (!request) {
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

// The end ------------------------------------------------------------

function showAfter(words) {
  const place = $('after-notice');
  place.hidden = false;
  place.textContent = words;
}

/** chat() is how it stands; ended(answer) is told when it has, failed(refusal) when it could not; again() begins another. */
export function offerEnd({ call, chat, ended, failed, again }) {
  $('end').addEventListener('click', () => {
    const dialog = $('ask');
    dialog.querySelector('h2').textContent = say('end_question');
    dialog.querySelector('p').textContent = chat().status === 'queued' ? say('end_queued') : '';
    dialog.returnValue = '';
    dialog.showModal();
  });
  $('ask').addEventListener('close', (event) => {
    if (event.target.returnValue === 'yes') call('chat:end').then(ended).catch(failed);
  });
  $('rate').addEventListener('submit', async (event) => {
    event.preventDefault();
    const score = Number(event.target.score.value);
    if (!score) return event.target.score[0].focus();
    try {
      await call('chat:rate', { score, comment: event.target.comment.value });
      showAfter(say('rated'));
      event.target.hidden = true;
    } catch (refusal) { showAfter(refusal.message); }
  });
  $('transcript').addEventListener('click', async (event) => {
    try {
      await call('chat:transcript');
      showAfter(say('transcript_sent', { address: chat().email }));
      event.target.closest('button').hidden = true;
    } catch (refusal) { showAfter(refusal.message); }
  });
  $('again').addEventListener('click', again);
}
