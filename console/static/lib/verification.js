// A PIN that a caller says, typed by an agent: it goes to the server and is kept nowhere here.
import { element } from './elements.js';
import { askToSignIn, post } from './http.js';

function tell(form, content) {
  const box = form.querySelector('[data-notice]');
  box.replaceChildren(content);
  box.hidden = false;
  form.elements.pin.focus();
}

function problem(text) {
  const line = element('p', '', text);
  line.setAttribute('role', 'alert');
  return line;
}

/** Check what was typed into the form; resolves to whether the person is verified. What did not match is said there. */
export async function checkPin(form) {
  if ('sending' in form.dataset) return false;
  const fields = new FormData(form);
  form.dataset.sending = '';
  form.elements.pin.value = '';
  try {
    const { verified } = await post(form.action, fields);
    if (verified) form.reset();
    else tell(form, form.querySelector('template[data-failed]').content.cloneNode(true));
    return verified;
  } catch (refused) {
    askToSignIn(refused);
    tell(form, problem(refused.message));
    return false;
  } finally { delete form.dataset.sending; }
}
