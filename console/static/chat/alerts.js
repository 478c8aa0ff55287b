// Alerts for new messages: a short tone (no file), a desktop notification, a number in the title.
// Both can be switched off; they work when the page is in front, too, for whatever is not being looked at.
import { toast } from '../lib/dialogs.js';
import { say } from '../lib/texts.js';
import { storage, on, one, tell } from './page.js';
import { current } from './rooms.js';
import { desk, isMine, knows, mine, myPresence, unread } from './store.js';

const TONES = { queue: [[660, 0], [880, 0.16]], mine: [[880, 0], [1175, 0.12]], message: [[740, 0]] };
const QUIET = 1_500;  // milliseconds between two tones
const title = document.title;
const soundBox = one('[data-sound]');
const notifyBox = one('[data-notify]');
const allowed = () => 'Notification' in window && Notification.permission === 'granted';
let audio = null;
let heardAt = 0;

soundBox.checked = storage.get('sound') ?? true;
notifyBox.checked = Boolean(storage.get('notify')) && allowed();

// A browser lets a page make a sound once its user has touched it.
const wake = () => {
  if (!window.AudioContext) return;
  audio ??= new AudioContext();
  if (audio.state === 'suspended') audio.resume();
};
for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, wake, { passive: true });

export function sound(kind) {
  if (!soundBox.checked || !audio || audio.state !== 'running' || Date.now() - heardAt < QUIET) return;
  heardAt = Date.now();
  tell('sounded', kind);
  for (const [pitch, after] of TONES[kind]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + after;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.22);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.25);
  }
}

function notify(chat, heading, body) {
  if (!notifyBox.checked || !allowed()) return;
  const made = new Notification(heading, { body, tag: `chat-${chat}`, lang: document.documentElement.lang });
  made.addEventListener('click', () => {
    window.focus();
    made.close();
    tell('open', chat);
  });
}

soundBox.addEventListener('change', () => {
  storage.set('sound', soundBox.checked);
  wake();
  if (soundBox.checked) setTimeout(() => sound('message'), 50);
});
notifyBox.addEventListener('change', async () => {
  if (notifyBox.checked && 'Notification' in window && !allowed()) await Notification.requestPermission();
  if (notifyBox.checked && !allowed()) {
    notifyBox.checked = false;
    toast(say('notify_denied'));
  }
  storage.set('notify', notifyBox.checked);
});

const looking = (number) => !document.hidden && document.hasFocus() && current()?.number === number;

on('row', (row, before) => {
  if (!knows()) return;
  const assigned = isMine(row) && !(before && isMine(before));
  if (assigned && !desk.taking && current()?.number !== row.chat) {
    sound('mine');
    notify(row.chat, say('given_to_you', { name: row.name }), row.preview);
    toast(say('given_to_you', { name: row.name }));
  } else if (row.status === 'queued' && before?.status !== 'queued' && myPresence()?.state === 'available') {
    sound('queue');
    notify(row.chat, say('new_in_queue', { name: row.name }), row.preview);
  }
});
on('message', (room, message) => {
  if (message.kind !== 'visitor' || !room.isMine || !room.loaded || looking(room.number)) return;
  sound('message');
  notify(room.number, message.sender.name, message.body);
});

on('lists', () => {
  const fresh = mine().reduce((sum, row) => sum + unread(row), 0);
  document.title = fresh ? `(${fresh}) ${title}` : title;
});
