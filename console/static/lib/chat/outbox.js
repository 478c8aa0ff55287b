// Codes after which the same message is sent again under its id, without asking its writer.
export const LATER = new Set(['rate', 'busy', 'unavailable', 'outcome_unknown']);

// Messages on their way. Kept until the server says that they are stored; sent again under the same id, they are one.
export class Outbox {
  constructor(store) {
    this.store = store;
    this.waiting = store.get('outbox') || [];
  }

  all() { return this.waiting; }

  put(body, files, more = {}) {
    const message = { ...more, id: crypto.randomUUID(), body, files: files.map(({ id, name, size }) => ({ id, name, size })), at: new Date().toISOString() };
    this.waiting.push(message);
    this.keep();
    return message;
  }

  next() { return this.waiting.find((message) => !message.failed); }

  stored(id) { this.waiting = this.waiting.filter((message) => message.id !== id); this.keep(); }

  fail(id) { const found = this.waiting.find((message) => message.id === id); if (found) { found.failed = true; this.keep(); } }

  /** Note what its writer said about what looks like a PIN; it goes out with that. */
  settle(id, { mask, not_pin: token }) {
    const found = this.waiting.find((message) => message.id === id);
    if (!found) return;
    if (mask) found.mask = true;
    if (token) found.not_pin = [...(found.not_pin ?? []), token];
    this.again(id);
  }

  again(id) { const found = this.waiting.find((message) => message.id === id); if (found) { delete found.failed; this.keep(); } }

  clear() { this.waiting = []; this.keep(); }

  keep() { this.store.set('outbox', this.waiting.length ? this.waiting : null); }
}
