// What happens while one looks: who else is here, what they write, and whether we hear of it at all.
import { element } from '../../lib/elements.js';
import { connected, join, on } from '../../lib/live.js';
import { say } from '../../lib/texts.js';
import { listed, me, number, one, root } from './context.js';
import { news } from './timeline.js';

const QUIET = 5_000, POLL = 30_000, SETTLE = 150, SHOWN = 3;
const title = document.title;
let unseen = 0, lost, timer;

// Who else -----------------------------------------------------------
const initials = (name) => name.split(/\s+/).filter((part) => /^\p{L}/u.test(part)).slice(0, 2).map((part) => part[0]).join('').toUpperCase() || '?';
const first = (name) => name.split(/\s+/)[0];

function drawPeople(people) {
  const line = one('[data-presence]');
  line.hidden = !people.length;
  const writing = people.filter((person) => person.typing);
  const named = listed((writing.length ? writing : people).slice(0, SHOWN).map((person) => first(person.name)));
  const which = writing.length ? (writing.length > 1 ? 'write' : 'writes') : people.length > 1 ? 'look' : 'looks';
  one('[data-presence-words]').textContent = people.length ? say(which, { name: named, names: named }) : '';
  line.classList.toggle('is-writing', writing.length > 0);
  one('[data-presence-avatars]').replaceChildren(...people.slice(0, SHOWN).map((person) => {
    const face = Object.assign(element('span', `avatar${person.typing ? ' is-writing' : ''}`, initials(person.name)), { title: person.name });
    face.setAttribute('aria-hidden', 'true');
    return face;
  }));
}

// News ---------------------------------------------------------------
function soon() {
  clearTimeout(timer);
  timer = setTimeout(news, SETTLE);
}

root.addEventListener('ticket:entries', ({ detail }) => {
  const written = detail.others.filter((entry) => entry.dataset.kind).length;
  if (!document.hidden || !written) return;
  unseen += written;
  document.title = `(${unseen}) ${title}`;
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  unseen = 0;
  document.title = title;
  if (!connected()) news();
});

addEventListener('pageshow', (event) => { if (event.persisted) news(); });

// Connection ---------------------------------------------------------
let was = null;  // not yet known

function sayConnection(is) {
  const line = one('[data-live]');
  clearTimeout(lost);
  if (is) {
    line.hidden = true;
    if (was === false) news();  // what happened while disconnected
  } else {
    lost = setTimeout(() => {
      one('[data-live-words]').textContent = say('live_off');
      line.hidden = false;
    }, QUIET);
  }
  was = is;
}

on('live:state', (state) => sayConnection(state.connected));
on('live:missed', soon);
on('ticket:presence', ({ people }) => drawPeople(people.filter((person) => String(person.id) !== me)));
on('ticket:changed', (changed) => { if (changed.number === number) soon(); });
join(number);
if (!connected()) lost = setTimeout(() => { if (!connected()) sayConnection(false); }, QUIET);
setInterval(() => { if (!connected() && !document.hidden) news(); }, POLL);
