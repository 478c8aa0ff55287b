// The portal: the PIN is copied, its time runs visibly, menus close. The page works without this.
import { now } from '../lib/times.js';

const MINUTE = 60_000;
document.documentElement.dataset.script = 'on';  // shows what only works with a script (.only-script)

function runDown() {
  for (const bar of document.querySelectorAll('[data-pin-left]')) {
    bar.value = Math.max(0, (Date.parse(bar.dataset.pinLeft) - now()) / MINUTE);
  }
}
runDown();
setInterval(runDown, 15_000);

for (const button of document.querySelectorAll('[data-copy-pin]')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copyPin);
    const label = button.querySelector('span');
    const before = label.textContent;
    label.textContent = button.dataset.copied;
    document.querySelector('[data-pin-notice]').textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = before; }, 2_000);
  });
}

document.addEventListener('click', async (event) => {
  if (event.target.closest('[data-print]')) print();
  const copy = event.target.closest('[data-copy]');
  if (copy) await navigator.clipboard?.writeText(copy.dataset.copy);
  for (const menu of document.querySelectorAll('details[data-menu][open]')) if (!menu.contains(event.target)) menu.open = false;
  event.target.closest('[data-dismiss-alert]')?.closest('[data-alert]').remove();
});
document.addEventListener('keydown', (event) => {
  const menu = event.key === 'Escape' && document.querySelector('details[data-menu][open]');
  if (!menu) return;
  menu.open = false;
  menu.querySelector('summary').focus();
});

if (document.querySelector('[data-passkey-add], [data-passkey-confirm]')) import('./passkeys.js');
