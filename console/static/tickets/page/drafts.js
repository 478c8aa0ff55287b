// Drafts: saved on the server, and in this browser until the server has them.
import { post } from '../../lib/http.js';
import { say } from '../../lib/texts.js';
import { base, me, number } from './context.js';

const WAIT = 900, AGAIN = 8_000;
const place = (mode) => `draft:${me}:${number}:${mode}`;
const line = document.querySelector('[data-draft-state]');

/** A new composition: what is sent with this id is one entry, however often it is sent. */
export const fresh = () => ({ client_id: crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join(''), body: '', based_on: 0, tried: false });

export function tell(words) {
  line.textContent = words;
}

/** Keep what is written in this browser. */
export function keepHere(mode, text) {
  try {
    if (text.body || text.tried) localStorage.setItem(place(mode), JSON.stringify(text));
    else localStorage.removeItem(place(mode));
  } catch { /* full or switched off: the server has it in a moment */ }
}

export function storedDraft(mode) {
  try {
    return JSON.parse(localStorage.getItem(place(mode)) ?? 'null');
  } catch {
    return null;
  }
}

let timer, saving = Promise.resolve();
const dirty = new Map();  // mode → text

/** Save soon; what came before it is saved first. */
export function saveSoon(mode, text) {
  dirty.set(mode, text);
  clearTimeout(timer);
  timer = setTimeout(save, WAIT);
}

export function save(keepalive = false) {
  clearTimeout(timer);
  const waiting = [...dirty];
  dirty.clear();
  for (const [mode, text] of waiting) saving = saving.then(() => saveOne(mode, text, keepalive === true));
  return saving;
}

async function saveOne(mode, text, keepalive) {
  const body = text.body;
  tell(say('saving'));
  try {
    const answer = await post(`${base}/draft`, { kind: mode, body, based_on: text.based_on, client_id: text.client_id }, { keepalive });
    tell(answer.draft ? say('saved', { time: answer.draft.saved }) : '');
    // The browser's own copy goes once the server has it; a try that may have arrived keeps its id.
    if (text.body === body && !text.tried) localStorage.removeItem(place(mode));
  } catch (refused) {
    if (refused.status === 0 || refused.status >= 500 || refused.status === 401) tell(say('kept_here'));
    else tell(refused.message);
    if (text.body === body && !dirty.has(mode) && refused.status === 0) {
      dirty.set(mode, text);
      timer = setTimeout(save, AGAIN);
    }
  }
}

/** Forget what waits to be saved, once what is on its way has arrived. */
export async function stop(mode) {
  dirty.delete(mode);
  if (!dirty.size) clearTimeout(timer);
  await saving;
}

addEventListener('online', () => save());
document.addEventListener('visibilitychange', () => { if (document.hidden) save(true); });
addEventListener('pagehide', () => save(true));
