// A click is lost when its element is redrawn before the button is released. Automatic redraws wait here.
const LONGEST = 5_000;  // a mouse held for longer selects or drags something; what is new is shown all the same
let down = false;
let over;
const waiting = [];

function release() {
  clearTimeout(over);
  down = false;
  waiting.splice(0).forEach((go) => go());
}

addEventListener('pointerdown', () => {
  down = true;
  clearTimeout(over);
  over = setTimeout(release, LONGEST);
}, true);
for (const end of ['pointerup', 'pointercancel', 'dragend']) addEventListener(end, () => setTimeout(release), true);  // after the click
addEventListener('blur', release);

export const isPressed = () => down;

/** Wait until nothing is being pressed. */
export const released = () => (down ? new Promise((go) => { waiting.push(go); }) : Promise.resolve());
