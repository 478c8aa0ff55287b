// What this browser keeps of a chat.

export const store = {
  get(key) { try { return JSON.parse(localStorage.getItem(`chat:${key}`)); } catch { return null; } },
  set(key, value) { try { value === null ? localStorage.removeItem(`chat:${key}`) : localStorage.setItem(`chat:${key}`, JSON.stringify(value)); } catch { /* no storage: it lives as long as the page */ } },
};
