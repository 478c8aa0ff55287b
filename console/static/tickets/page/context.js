// What the scripts of a ticket's page share: the page, its words, and asking the server.
const page = document.getElementById('ticket');
const texts = JSON.parse(document.getElementById('ticket-words').textContent);
const TIMEOUT = 20_000;

export const number = page.dataset.number;
export const base = page.dataset.base;
export const me = document.body.dataset.staff;
export const root = page;
export const one = (selector) => page.querySelector(selector);
export const token = () => document.querySelector('meta[name="csrf-token"]').content;

/** A text in the page's language, %(name)s filled in. */
export function say(name, values = {}) {
  return (texts[name] ?? '').replace(/%\((\w+)\)s/g, (_word, key) => values[key] ?? '');
}

/** Names as a sentence has them: "Ana, Milan i Jelena". */
export function listed(names) {
  if (names.length < 2) return names.join('');
  return say('and', { first: names.slice(0, -1).join(', '), last: names.at(-1) });
}

/** What the server refused, or that it did not answer (status 0). */
export class Refused extends Error {
  constructor(status, error = {}) {
    super(Object.values(error.fields ?? {}).flat().filter(Boolean).join(' ') || error.message || '');
    this.status = status;
    this.code = error.code ?? '';
    this.details = error;
  }
}

async function answered(asking) {
  let answer;
  try {
    answer = await asking;
  } catch {
    throw new Refused(0);
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told.error);
  return told;
}

export const ask = (url, signal = AbortSignal.timeout(TIMEOUT)) => answered(fetch(url, { headers: { Accept: 'application/json' }, signal }));

/** Post a form; fields with a list are repeated. */
export function post(path, fields = {}, { keepalive = false } = {}) {
  const body = new FormData();
  for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) body.append(name, value);
  const headers = { Accept: 'application/json', 'X-CSRFToken': token() };
  return answered(fetch(path, { method: 'POST', body, headers, keepalive, signal: AbortSignal.timeout(TIMEOUT) }));
}
