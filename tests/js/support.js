// The little of a browser that the modules under test touch when they are loaded.

/** Put a page in place of the document; what is not given is not on it. */
export function page({ ids = {}, one = {}, all = {}, lang = 'en', dataset = {} } = {}) {
  globalThis.document = {
    hidden: false,
    documentElement: { lang },
    body: { dataset },
    getElementById: (id) => ids[id] ?? null,
    querySelector: (selector) => one[selector] ?? null,
    querySelectorAll: (selector) => all[selector] ?? [],
    addEventListener() {},
  };
  globalThis.addEventListener = () => {};
  return globalThis.document;
}

/** What localStorage or a chat's own store does, in memory. */
export function storage() {
  const values = new Map();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => { values.set(key, value); },
    removeItem: (key) => { values.delete(key); },
    get: (key) => structuredClone(values.get(key)) ?? null,
    set: (key, value) => { if (value === null) values.delete(key); else values.set(key, structuredClone(value)); },
  };
}
