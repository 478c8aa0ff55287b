// What goes with writing a message: its files, uploaded at once and removable until it is sent; who is writing.
import { button, element } from '../lib/elements.js';
import { post } from '../lib/http.js';
import { say } from '../lib/texts.js';

const UPLOAD = 120_000;  // milliseconds that a file may take
const LARGEST = 10 * 1024 * 1024;
const MESSAGE_LASTS = 8_000;   // milliseconds
const STOPS = 4_000;  // milliseconds without a key
const ENDS = 6_000;   // without a word from the server

export class Files {
  /** token() opens the chat; changed() is called when one was removed, failed(words) when one was refused. */
  constructor(place, { token, changed, failed }) {
    Object.assign(this, { place, token, changed, failed });
    this.all = [];
  }

  get uploading() { return this.all.some((file) => !file.id); }

  /** Show these in place of the ones that are there. */
  show(files) {
    this.all = files;
    this.draw();
  }

  async attach(list) {
    for (const file of list) {
      const entry = { id: 0, name: file.name, size: file.size };
      this.show([...this.all, entry]);
      try {
        await this.upload(file, entry);
      } catch (problem) {
        this.show(this.all.filter((one) => one !== entry));
        this.failed(`${say('upload_failed', { name: file.name })} ${problem.message || ''}`);
      }
      this.draw();
    }
  }

  async upload(file, entry) {
    if (file.size > LARGEST) throw new Error(say('too_large'));
    const form = new FormData();
    form.append('file', file);
    Object.assign(entry, (await post('/chat/files', form, { headers: { 'X-Chat-Token': this.token() }, timeout: UPLOAD })).file);
  }

  draw() {
    this.place.hidden = !this.all.length;
    this.place.replaceChildren(...this.all.map((file) => {
      const remove = button('btn btn-ghost btn-icon', () => { this.show(this.all.filter((one) => one !== file)); this.changed(); }, '×');
      remove.setAttribute('aria-label', say('remove_file', { name: file.name }));
      return element('li', 'chip', file.id ? file.name : say('uploading', { name: file.name }), remove);
    }));
  }
}

/** Tell the agent that the visitor writes, or has stopped; send(typing) passes it on. */
export function throttledTyping(send) {
  let was = false, stop = 0;
  return function tell(now) {
    clearTimeout(stop);
    if (now) stop = setTimeout(() => tell(false), STOPS);
    if (now !== was && send(now)) was = now;
  };
}

/** Show that an agent writes. */
export function typingLine(place, appeared) {
  let ends = 0;
  return function show(now, name) {
    clearTimeout(ends);
    place.hidden = !now;
    place.title = now ? say('typing', { name: name || say('us') }) : '';
    if (!now) return;
    ends = setTimeout(() => show(false), ENDS);
    appeared();
  };
}

/** Say for a while what is wrong. */
export function sayFor(place, words) {
  place.textContent = words || '';
  place.hidden = !words;
  if (words) setTimeout(() => sayFor(place, ''), MESSAGE_LASTS);
}
