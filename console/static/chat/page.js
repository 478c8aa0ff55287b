// What the scripts of the desk share: the page, its texts, browser storage, and events.
export const root = document.getElementById('desk');
export const me = Number(document.body.dataset.staff);
export const english = document.documentElement.lang.startsWith('en');
export const leads = 'leads' in root.dataset;
export const base = root.dataset.base;
export const one = (selector) => document.querySelector(selector);

export const named = (place) => (english ? place.en : place.sr);

// --- telling each other ---------------------------------------------------------------------------------------------

const handlers = new Map();

export function on(event, handler) {
  if (!handlers.has(event)) handlers.set(event, new Set());
  handlers.get(event).add(handler);
}

export function tell(event, ...news) {
  for (const handler of handlers.get(event) ?? []) handler(...news);
}

// --- browser storage, by person -------------------------------------------------------------------------------------

const PREFIX = `desk:${me}:`;

export const storage = {
  get(key) {
    try { return JSON.parse(localStorage.getItem(PREFIX + key)); } catch { return null; }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(PREFIX + key);
      else localStorage.setItem(PREFIX + key, JSON.stringify(value));
    } catch { /* no room: it lives as long as the page */ }
  },
  keys(start) {
    try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX + start)).map((key) => key.slice(PREFIX.length)); } catch { return []; }
  },
};

/** The storage key of a chat's outbox: one key for each message, so that two windows do not undo each other's. */
export function outboxStore(number) {
  const start = `out:${number}:`;
  let known = new Set();
  return {
    get() {
      const found = storage.keys(start).map((key) => storage.get(key)).filter(Boolean).sort((a, b) => (a.at < b.at ? -1 : 1));
      known = new Set(found.map((message) => message.id));
      return found;
    },
    set(_key, waiting) {
      const now = new Map((waiting ?? []).map((message) => [message.id, message]));
      for (const id of known) if (!now.has(id)) storage.set(start + id, null);
      for (const [id, message] of now) storage.set(start + id, message);
      known = new Set(now.keys());
    },
  };
}

/** The chats in which something waits to be sent. */
export const unsent = () => [...new Set(storage.keys('out:').map((key) => key.split(':')[1]))];
