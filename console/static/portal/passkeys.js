// Passkeys: the browser makes them and shows them, the server asks and checks. Without a script there are none.
import { post } from '../lib/http.js';

const supported = Boolean(window.PublicKeyCredential && navigator.credentials);
const CANCELLED = ['NotAllowedError', 'AbortError'];

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const known = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

/** What the server asks for, with bytes where its JSON has text. */
function readOptions(options) {
  const read = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = known(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = known(options.allowCredentials);
  return read;
}

/** The browser's answer as JSON, by the names of the standard. */
function writeCredential(credential) {
  const answer = credential.response;
  const response = { clientDataJSON: toText(answer.clientDataJSON) };
  for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) if (answer[name]) response[name] = toText(answer[name]);
  if (answer.getTransports) response.transports = answer.getTransports();
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
}

async function show(url, fields) {
  const { publicKey } = await post(url, fields);
  return writeCredential(await navigator.credentials.get({ publicKey: readOptions(publicKey) }));
}

/** Do something with a passkey, and say where it stands when it does not work. */
async function attempt(place, button, work) {
  const message = place.querySelector('[data-passkey-error]');
  message.hidden = true;
  button.disabled = true;
  try {
    await work();
  } catch (problem) {
    message.textContent = CANCELLED.includes(problem.name) ? place.dataset.cancelled : problem.message || place.dataset.unsupported;
    message.hidden = false;
  } finally {
    button.disabled = false;
  }
}

for (const place of document.querySelectorAll('[data-passkey-in]')) {
  const button = place.querySelector('button');
  place.hidden = !supported;
  button.addEventListener('click', () => attempt(place, button, async () => {
    const { options, step, next, passkeyIn } = place.dataset;
    const credential = await show(options, { step });
    const answer = await post(passkeyIn, { credential, step, next });
    location.assign(answer.next);
  }));
}

for (const place of document.querySelectorAll('[data-passkey-confirm]')) {
  const button = place.querySelector('button');
  place.hidden = !supported;
  button.addEventListener('click', () => attempt(place, button, async () => {
    const credential = await show(place.dataset.options, {});
    await post(place.dataset.passkeyConfirm, { credential });
    for (const field of document.querySelectorAll('[data-confirm-password]')) field.hidden = true;
    button.hidden = true;
    place.querySelector('[data-passkey-done]').textContent = place.dataset.confirmed;
  }));
}

for (const form of document.querySelectorAll('form[data-passkey-add]')) {
  form.hidden = !supported;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(form, form.querySelector('.btn:not([type=button])'), async () => {
      const { publicKey } = await post(form.dataset.options, new FormData(form));
      const made = await navigator.credentials.create({ publicKey: readOptions(publicKey) });
      const answer = await post(form.action, { name: form.elements.name.value, credential: writeCredential(made) });
      location.assign(answer.next);
    });
  });
}
