// The pages behind a token work without this: it keeps a second click from going out, and large files at home.
const MOST = 10;
const LARGEST = 10 * 1024 * 1024;
const WAIT = 15_000;

for (const input of document.querySelectorAll('input[type="file"]')) {
  const note = input.form.querySelector('[data-too-large]');
  input.addEventListener('change', () => {
    const files = [...input.files];
    note.hidden = files.length <= MOST && files.reduce((sum, file) => sum + file.size, 0) <= LARGEST;
  });
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  const note = form.querySelector('[data-too-large]');
  if (('sent' in form.dataset) || (note && !note.hidden)) {
    event.preventDefault();
    note?.scrollIntoView({ block: 'center' });
    return;
  }
  if (!form.matches('[data-once]')) return;
  form.dataset.sent = '';
  setTimeout(() => delete form.dataset.sent, WAIT);  // the server takes one form once; this is for a lost answer
});
addEventListener('pageshow', () => document.querySelectorAll('[data-sent]').forEach((form) => delete form.dataset.sent));

document.addEventListener('click', (event) => {
  event.target.closest('[data-dismiss-alert]')?.closest('[data-alert]').remove();
});
