// Who is writing: the visitor, to the agent; the agent, here.
import { say } from '../lib/texts.js';

const STOPS = 4_000;  // milliseconds without a key
const ENDS = 6_000;   // without a word from the server

/** Tell the agent that the visitor writes, or has stopped; send(typing) passes it on where somebody hears it. */
export function teller(send) {
  let was = false, stop = 0;
  return function tell(now) {
    clearTimeout(stop);
    if (now) stop = setTimeout(() => tell(false), STOPS);
    if (now !== was && send(now)) was = now;
  };
}

/** Show that an agent writes. */
export function shower(place, appeared) {
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
