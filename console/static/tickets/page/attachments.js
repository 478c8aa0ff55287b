// Files of what is being written: chosen, dropped or pasted, uploaded at once, removable until it is sent.
import { toast } from '../../lib/dialogs.js';
import { button, element } from '../../lib/elements.js';
import { icon } from '../../lib/icons.js';
import { csrfToken, post } from '../../lib/http.js';
import { say } from '../../lib/texts.js';
import { base } from './context.js';

const form = document.getElementById('composer');
const list = form.querySelector('[data-files]');
const input = form.querySelector('[data-file-input]');
const most = Number(form.dataset.mostFiles);
const largest = Number(form.dataset.maxSize);
const symbol = (name) => icon(name, 'icon icon-sm');
const running = new Set();

export const uploading = () => running.size > 0;
export const keys = () => [...list.querySelectorAll('[name="attachments"]')].map((field) => field.value);

function tell() {
  list.hidden = !list.children.length;
  form.dispatchEvent(new CustomEvent('files:changed'));
}

function removing(name, run) {
  const made = button('btn btn-ghost btn-icon btn-sm', run, symbol('x'));
  made.setAttribute('aria-label', say('remove', { name }));
  return made;
}

function drawStored(file, line = element('li', 'chip')) {
  const link = element('a', 'truncate', element('bdi', '', file.name));
  Object.assign(link, { href: `${base}/files/${file.id}`, download: '' });
  const field = Object.assign(element('input'), { type: 'hidden', name: 'attachments', value: file.id });
  line.className = 'chip';
  line.dataset.file = file.id;
  line.replaceChildren(symbol('clip'), link, element('span', 'muted num', file.words), field, removing(file.name, () => remove(line)));
  return line;
}

async function remove(line) {
  const next = (line.nextElementSibling ?? line.previousElementSibling)?.querySelector('button') ?? form.querySelector('[data-choose-files]');
  try {
    await post(`${base}/files/${line.dataset.file}/remove`);
  } catch (refused) {
    if (refused.status !== 404) return toast(refused.message);
  }
  line.remove();
  tell();
  next.focus();
}

function upload(file, name) {
  const progress = Object.assign(element('progress', 'progress'), { max: 1, value: 0 });
  progress.setAttribute('aria-label', name);
  const line = element('li', 'chip is-uploading', symbol('upload'), element('span', 'truncate', element('bdi', '', name)), progress);
  const going = new XMLHttpRequest();  // fetch tells no progress
  line.append(removing(name, () => going.abort()));
  list.append(line);
  running.add(going);
  tell();
  const body = new FormData();
  body.append('file', file, name);
  going.upload.addEventListener('progress', (event) => { if (event.lengthComputable) progress.value = event.loaded / event.total; });
  going.addEventListener('loadend', () => {
    running.delete(going);
    settle(going, line, name);
    tell();
  });
  going.open('POST', `${base}/files`);
  going.responseType = 'json';
  going.setRequestHeader('Accept', 'application/json');
  going.setRequestHeader('X-CSRFToken', csrfToken());
  going.send(body);
}

function settle(going, line, name) {
  if (going.status === 200 && going.response?.file) return drawStored(going.response.file, line);
  line.remove();
  const problem = Object.values(going.response?.error?.fields ?? {}).flat().filter(Boolean).join(' ') || going.response?.error?.message;
  if (going.status) toast(problem ? say('refused', { name, problem }) : say('upload_failed', { name }));
  else if (going.readyState === XMLHttpRequest.DONE) toast(say('upload_failed', { name }));
}

export function add(files) {
  for (const file of files) {
    const pasted = file.type.startsWith('image/') && /^image\.\w+$/.test(file.name);
    const name = pasted ? `${say('pasted')} ${list.children.length + 1}.${file.name.split('.').pop()}` : file.name;
    if (list.children.length >= most) return toast(say('too_many'));
    if (file.size > largest) toast(say('too_large', { name }));
    else upload(file, name);
  }
}

/** Show these files in place of the ones that are there. */
export function show(files) {
  list.replaceChildren(...files.map((file) => drawStored(file)));
  tell();
}

input.removeAttribute('name');  // what is uploaded at once is not sent a second time with the form
for (const line of list.children) {
  line.querySelector('[data-file-remove]').addEventListener('click', (event) => { event.preventDefault(); remove(line); });
}
form.querySelector('[data-choose-files]').addEventListener('click', () => input.click());
input.addEventListener('change', () => { add(input.files); input.value = ''; });
form.elements.body.addEventListener('paste', (event) => {
  if (!event.clipboardData?.files.length) return;
  event.preventDefault();
  add(event.clipboardData.files);
});

// Dropped anywhere on the conversation
const ground = form.closest('.ticket-main');
const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
ground.addEventListener('dragover', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  form.dataset.drop = say('dropped');
});
ground.addEventListener('dragleave', (event) => { if (!ground.contains(event.relatedTarget)) delete form.dataset.drop; });
ground.addEventListener('drop', (event) => {
  delete form.dataset.drop;
  if (!hasFiles(event)) return;
  event.preventDefault();
  add(event.dataTransfer.files);
});
