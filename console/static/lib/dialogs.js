// Dialogs, the question before what cannot be undone, and toasts.
import { button, element } from './elements.js';
import { say } from './texts.js';

document.addEventListener('click', (event) => {
  const close = event.target.closest('dialog [data-close]');
  if (close) close.closest('dialog').close();
  else if (event.target instanceof HTMLDialogElement) event.target.close();  // its backdrop
});

/** Ask before something happens. Resolves to true when it was confirmed. */
export function confirm(text, yes) {
  const dialog = document.getElementById('confirm');
  const button = dialog.querySelector('[data-yes]');
  dialog.querySelector('#confirm-text').textContent = text;
  button.textContent = yes || button.dataset.default;
  return new Promise((resolve) => {
    let answer = false;
    const accept = () => { answer = true; dialog.close(); };
    const refuse = () => dialog.close();
    const no = dialog.querySelector('[data-no]');
    button.addEventListener('click', accept);
    no.addEventListener('click', refuse);
    dialog.addEventListener('close', () => {
      button.removeEventListener('click', accept);
      no.removeEventListener('click', refuse);
      resolve(answer);
    }, { once: true });
    dialog.showModal();
    no.focus();  // the safe answer is the near one
  });
}

const sure = document.querySelector('#confirm [data-yes]');
if (sure) sure.dataset.default = sure.textContent;

/** Show a message that disappears after a while; with an action ({label, run}) it stays longer. Not while it has the focus. */
export function toast(text, action) {
  const box = document.querySelector('[data-toasts]');
  if (!box) return;
  const line = element('div', 'toast', element('span', 'grow', text));
  if (action) line.append(button('btn btn-ghost btn-sm', () => { line.remove(); action.run(); }, action.label));
  box.append(line);
  leaveBy(line, action ? 10_000 : 6000);
}

function leaveBy(line, after) {
  let leaves = 0;
  const stay = () => clearTimeout(leaves);
  const go = () => { stay(); leaves = setTimeout(() => line.remove(), after); };
  for (const name of ['pointerenter', 'focusin']) line.addEventListener(name, stay);
  for (const name of ['pointerleave', 'focusout']) line.addEventListener(name, go);
  go();
}

// <button data-confirm="…"> or <form data-confirm="…">: nothing is sent before the answer.
// A button of type "button" does nothing without this script; that is meant for what destroys.
async function ask(form, button, source) {
  if (!(await confirm(source.dataset.confirm, source.dataset.confirmYes))) return;
  if (button?.name) {
    const value = document.createElement('input');
    Object.assign(value, { type: 'hidden', name: button.name, value: button.value });
    form.append(value);
  }
  form.dataset.confirmed = '';
  form.requestSubmit();
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  const source = [event.submitter, form].find((element) => element?.dataset?.confirm);
  if (!source) return;
  if ('confirmed' in form.dataset) {
    delete form.dataset.confirmed;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(form, event.submitter, source);
}, true);

document.addEventListener('click', (event) => {
  const button = event.target.closest('button[type="button"][data-confirm]');
  if (!button?.form) return;
  if (button.form.matches('[data-picked]') && !picked(button.form).length) return toast(say('select_rows'));
  ask(button.form, button, button);
});

export const picked = (form) => [...form.elements].filter((element) => element.matches('[data-pick]:checked'));
