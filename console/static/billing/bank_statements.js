// Files of statements, chosen or dropped anywhere on the page: what is chosen is listed, and is sent as a plain form.
const form = document.querySelector('[data-statements]');
const input = form.querySelector('input[type="file"]');
const list = form.querySelector('[data-chosen]');
const hasFiles = (event) => event.dataTransfer?.types.includes('Files');

function show() {
  list.replaceChildren(...[...input.files].map((file) => {
    const line = document.createElement('li');
    line.textContent = file.name;
    return line;
  }));
  list.hidden = !input.files.length;
}

input.addEventListener('change', () => {
  show();
  if (input.files.length) form.querySelector('[data-send]').focus();
});
document.addEventListener('dragover', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  form.toggleAttribute('data-over', true);
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) form.removeAttribute('data-over'); });
document.addEventListener('drop', (event) => {
  form.removeAttribute('data-over');
  if (!hasFiles(event)) return;
  event.preventDefault();
  input.files = event.dataTransfer.files;
  show();
  form.requestSubmit();
});
show();
