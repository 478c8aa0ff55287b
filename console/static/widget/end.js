// Ending a conversation, and what is offered after it: a rating, the transcript, another one.
import { say } from '../lib/texts.js';

const $ = (selector) => document.querySelector(`[data-${selector}]`);

function afterSaid(words) {
  const place = $('after-said');
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
      afterSaid(say('rated'));
      event.target.hidden = true;
    } catch (refusal) { afterSaid(refusal.message); }
  });
  $('transcript').addEventListener('click', async (event) => {
    try {
      await call('chat:transcript');
      afterSaid(say('transcript_sent', { address: chat().email }));
      event.target.closest('button').hidden = true;
    } catch (refusal) { afterSaid(refusal.message); }
  });
  $('again').addEventListener('click', again);
}
