// Asking the server: the CSRF token, an end to waiting, and what went wrong in words.
// Pages that put HTML in place as it comes ask with htmx instead (lib/htmx.js).
import { say } from './texts.js';

const TIMEOUT = 20_000;

/** What the server refused, or that it did not answer (status 0). Its message is for the reader. */
export class Refused extends Error {
  constructor(status, error = {}) {
    const fields = Object.values(error.fields ?? {}).flat().filter(Boolean);
    super(fields.join(' ') || error.message || say(status ? 'failed' : 'no_answer'));
    this.status = status;
    this.code = error.code ?? '';
    this.details = error;
  }
}

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

async function arrived(asking) {
  try {
    return await asking;
  } catch (problem) {
    if (problem.name === 'AbortError') throw problem;  // the caller's own doing
    throw new Refused(0);
  }
}

async function answered(asking) {
  const answer = await arrived(asking);
  const payload = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, payload.error);
  return payload;
}

/** Read what an address answers. */
export const get = (url, signal = AbortSignal.timeout(TIMEOUT)) => answered(fetch(url, { headers: { Accept: 'application/json' }, signal }));

/** Read what the server draws, a page or a part of one; with a form as `body` it is posted. */
export async function getText(url, { body, signal = AbortSignal.timeout(TIMEOUT) } = {}) {
  const answer = await arrived(fetch(url, { method: body ? 'POST' : 'GET', body, headers: { Accept: 'text/html' }, signal }));
  if (!answer.ok) throw new Refused(answer.status);
  return answer.text();
}

function formOf(fields) {
  if (fields instanceof FormData) return fields;
  const body = new FormData();
  for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) body.append(name, value);
  return body;
}

/** Post a form; a field with a list is repeated. */
export function post(url, fields = {}, { headers = {}, keepalive = false, timeout = TIMEOUT } = {}) {
  const sent = { Accept: 'application/json', 'X-CSRFToken': csrfToken(), ...headers };
  return answered(fetch(url, { method: 'POST', body: formOf(fields), headers: sent, keepalive, signal: AbortSignal.timeout(timeout) }));
}

/** Where the sign-in has ended, show the page again: it asks for one. */
export function askToSignIn(problem) {
  if (problem.status === 401) location.reload();
}
