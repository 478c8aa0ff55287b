// The rules of every page that puts in place, by htmx, what the server draws: who asks, what is said when it fails, and
// what stays as the reader has it. Loaded by templates/admin/shared/htmx.html.
import { toast } from './dialogs.js';
import { csrfToken } from './http.js';
import { isPressed, released } from './pressed.js';
import { say } from './texts.js';
import { refresh as refreshTimes } from './times.js';

export const { htmx } = window;  // plain scripts, run before this one
const { callbacks } = window.Idiomorph.defaults;

document.addEventListener('htmx:configRequest', ({ detail }) => { detail.headers['X-CSRFToken'] = csrfToken(); });

// A link opened in another tab or window is the browser's.
document.addEventListener('click', (event) => {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest('a[hx-get]')) event.stopPropagation();
}, true);

// One click, one request.
document.addEventListener('htmx:confirm', (event) => {
  if (event.detail.elt.matches('form.htmx-request')) event.preventDefault();
});

// A menu has done its work when something in it was chosen.
document.addEventListener('htmx:beforeRequest', ({ detail }) => {
  const menu = detail.elt.closest('details[data-menu]');
  if (!menu) return;
  if (menu.contains(document.activeElement)) menu.querySelector('summary').focus();  // where a sheet gives it back
  menu.open = false;
});

// What went wrong ----------------------------------------------------------------------------------------------------

// Sent by the server (console/web/answers.py). A link leads to its page, which says itself what is wrong; a form with a place
// for its answer shows itself again, with the reason; what a fold had opened goes when the rest is asked for again.
document.addEventListener('refused', ({ target, detail }) => {
  const isOver = detail.code === 'not_found' && target.matches('details, [data-refresh]');
  if (target.matches('[data-refresh]')) return isOver && location.reload();  // it is gone from under the reader
  if (target.matches('a[href]')) return location.assign(target.href);
  if (!isOver && !(detail.drawn && target.closest('[hx-target]'))) toast(detail.message);
});

/** Automatic refreshes try again. */
function failed({ requestConfig: { elt } }, text) {
  if (elt.matches('[data-refresh]')) return;
  if (elt.matches('a[href]')) location.assign(elt.href);
  else toast(say(text));
}
document.addEventListener('htmx:sendError', ({ detail }) => failed(detail, 'no_answer'));
document.addEventListener('htmx:timeout', ({ detail }) => failed(detail, 'no_answer'));
// Not of ours: of something on the way.
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (detail.xhr.status >= 400 && !detail.xhr.getResponseHeader('HX-Trigger')) failed(detail, 'failed');
});

// Automatic refreshes ------------------------------------------------------------------------------------------------

/** Ask again for what has changed. */
export const refresh = (element) => htmx.trigger(element, 'refresh');

// Not while the page is hidden.
document.addEventListener('htmx:beforeRequest', (event) => {
  if (document.hidden && event.detail.elt.matches('[data-refresh]')) event.preventDefault();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) document.querySelectorAll('[data-refresh]').forEach(refresh);
});

// Nor while something is being pressed: the click would be lost with its element.
document.addEventListener('htmx:beforeSwap', (event) => {
  const source = event.detail.requestConfig.elt;
  if (!source.matches('[data-refresh]') || !isPressed()) return;
  event.detail.shouldSwap = false;
  released().then(() => refresh(source));
});

// A fold is asked for when it opens, not when it closes.
document.addEventListener('htmx:beforeRequest', (event) => {
  if (event.detail.elt.matches('details:not([open])')) event.preventDefault();
});

// What stays as the reader has it ------------------------------------------------------------------------------------

const isBegun = (node) => ('defaultValue' in node && node.value !== node.defaultValue)
  || ('defaultChecked' in node && node.checked !== node.defaultChecked);

callbacks.beforeNodeMorphed = (old) => !(old instanceof HTMLElement && (isBegun(old) || old.matches('details[open] > [data-fetched], [data-notice]:not([hidden])')));
callbacks.beforeNodeRemoved = (old) => !(old instanceof HTMLElement && old.matches('[data-fact-form]'));
callbacks.beforeAttributeUpdated = (name, element) => !(name === 'open' && element.matches('details'));

for (const swapped of ['htmx:afterSettle', 'htmx:oobAfterSwap']) document.addEventListener(swapped, refreshTimes);
