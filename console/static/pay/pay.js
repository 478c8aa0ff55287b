// Copies what is needed to pay. Without this the values are there to be read and selected.
document.documentElement.dataset.script = 'on';  // shows what only works with a script (.only-script)

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy-value]');
  if (!button) return;
  await navigator.clipboard?.writeText(button.dataset.copyValue);
  const label = button.querySelector('span');
  const before = label.textContent;
  if (before === button.dataset.copied) return;
  label.textContent = button.dataset.copied;
  const notice = document.querySelector('[data-copy-notice]');
  if (notice) notice.textContent = button.dataset.copied;
  setTimeout(() => { label.textContent = before; if (notice) notice.textContent = ''; }, 2_000);
});
