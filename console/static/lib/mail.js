// One part of a mail at a time: as it looks, or its text. Without this script both are there.
import './at_once.js';

for (const letter of document.querySelectorAll('[data-letter]')) {
  const bar = letter.querySelector('[data-letter-parts]');
  const parts = letter.querySelectorAll('[data-part-of]');
  const show = (chosen) => {
    for (const part of parts) part.hidden = part.dataset.partOf !== chosen;
    for (const button of bar.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.dataset.part === chosen));
  };
  bar.hidden = false;
  bar.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) show(button.dataset.part);
  });
  show('html');
}
