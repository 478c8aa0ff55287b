// The form of a new ticket: finds the account by number or name, offers whom a verification opened, warns of duplicates.
import { element } from '../lib/elements.js';
import { get } from '../lib/http.js';
import { count } from '../lib/texts.js';

const form = document.querySelector('[data-ticket-new]');
const field = (name) => form.elements[name];
const WAIT = 250;
let timer, asking;

const ask = (url, parameters, signal) => get(`${url}?${new URLSearchParams(parameters)}`, signal);
const option = (value, text) => new Option(text, value);

async function offer() {
  const typed = field('customer').value.trim();
  if (typed.length < 2) return;
  const { items } = await ask(form.dataset.customers, { search: typed, page_size: 8 }).catch(() => ({ items: [] }));
  document.getElementById('known-customers').replaceChildren(...items.map((one) => option(one.number, one.name)));
}

async function about() {
  asking?.abort();
  asking = new AbortController();
  const query = { customer: field('customer').value.trim(), email: field('requester_email').value.trim() };
  const answer = await ask(form.dataset.about, query, asking.signal).catch(() => null);
  if (answer) {
    showAccount(answer.customer);
    showDuplicates(answer.duplicates);
  }
}

function showAccount(customer) {
  const line = form.querySelector('[data-account]');
  line.textContent = customer?.name ?? '';
  const services = customer?.services ?? [];
  const chosen = field('service').value;
  const [none] = field('service').options;
  field('service').replaceChildren(none, ...services.map((one) => option(String(one.id), one.label)));
  field('service').value = services.some((one) => String(one.id) === chosen) ? chosen : '';
  form.querySelector('[data-service]').hidden = services.length === 0;
  const people = customer?.people ?? [];
  document.getElementById('known-people').replaceChildren(...people.map((one) => option(one.email, one.name)));
  if (people.length === 1 && !field('requester_email').value) {
    field('requester_email').value = people[0].email;
    if (!field('requester_name').value) field('requester_name').value = people[0].name;
  }
  if (customer) field('language').value = customer.language;
}

function showDuplicates(rows) {
  const box = form.querySelector('[data-duplicates]');
  box.hidden = rows.length === 0;
  box.querySelector('[data-duplicates-words]').textContent = count('open_duplicates', rows.length);
  box.querySelector('[data-duplicates-rows]').replaceChildren(...rows.map(drawDuplicate));
}

function drawDuplicate(row) {
  const meta = element('span', 'meta', element('span', 'ref', row.number), ` · ${row.status}`);
  const link = element('a', '', element('span', 'grow', element('span', 'title', row.subject), meta));
  link.href = row.url;
  return link;
}

function soon(...work) {
  clearTimeout(timer);
  timer = setTimeout(() => work.forEach((one) => one()), WAIT);
}

field('customer').addEventListener('input', () => soon(offer, about));
field('requester_email').addEventListener('input', () => soon(about));
form.addEventListener('submit', () => { form.querySelector('[data-once]').disabled = true; });  // one click, one ticket
addEventListener('pageshow', () => { form.querySelector('[data-once]').disabled = false; });
