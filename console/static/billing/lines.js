// The lines of a pro-forma's form: one more, one less, and the keys. The preview beside it is the server's.
const form = document.querySelector('[data-bill]');
const lines = form.querySelector('[data-lines]');

const all = () => [...lines.querySelectorAll('[data-line]')];

// Of a long document the last lines alone have every service in the page: the others get them as they are used.
const services = all().at(-1).querySelector('select').cloneNode(true);
services.querySelectorAll('[selected]').forEach((option) => option.removeAttribute('selected'));

function offer(select) {
  if (!select.matches('[data-partial]')) return;
  const chosen = select.selectedOptions[0];
  const offered = services.cloneNode(true);
  select.removeAttribute('data-partial');
  select.replaceChildren(...offered.children);
  select.value = chosen.value;
  if (select.value !== chosen.value) {  // the others do not offer it
    select.options[0].after(chosen);
    select.value = chosen.value;
  }
}

/** Give a line its number: in its name, its fields and their labels. */
function number(line, place) {
  const texts = ['aria-label', 'for', 'id'];
  [line, ...line.querySelectorAll('*')].forEach((element) => texts.forEach((name) => {
    const value = element.getAttribute(name);
    if (value) element.setAttribute(name, value.replace(/\d+$/, String(place)));
  }));
}

function changed() {
  all().forEach((line, place) => number(line, place + 1));
  form.dispatchEvent(new Event('drawn'));
}

function empty(line) {
  line.querySelectorAll('input').forEach((input) => { input.value = ''; });
  line.querySelectorAll('select').forEach((select) => { select.selectedIndex = 0; });
}

function add() {
  const line = all().at(-1).cloneNode(true);
  offer(line.querySelector('select'));
  empty(line);
  lines.append(line);
  changed();
  line.querySelector('select').focus();
}

function remove(line) {
  const place = all().indexOf(line);
  if (all().length === 1) empty(line);
  else line.remove();
  changed();
  all()[Math.max(place - 1, 0)].querySelector('select').focus();
}

['focusin', 'pointerdown'].forEach((name) => lines.addEventListener(name, (event) => {
  if (event.target.matches('select')) offer(event.target);
}));

form.addEventListener('click', (event) => {
  if (event.target.closest('[data-add-line]')) {
    event.preventDefault();
    add();
  }
  const button = event.target.closest('[data-remove-line]');
  if (button) remove(button.closest('[data-line]'));
});

form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector('[data-issue]'));
  } else if (event.altKey && event.code === 'KeyN') {
    event.preventDefault();
    add();
  } else if (event.key === 'Enter' && event.target.matches('[data-line] input')) {
    event.preventDefault();  // not the first button of the form: it would issue
    const fields = [...lines.querySelectorAll('input, select')];
    const next = fields[fields.indexOf(event.target) + 1];
    if (next) next.focus();
    else add();
  }
});
