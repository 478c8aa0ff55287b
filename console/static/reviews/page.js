// A review by keyboard, its running result, and a draft in this browser until it is saved.
// The page works without this.
const form = document.querySelector('[data-judge]');
const BEST = 4;
const KEEP = 14 * 24 * 3600 * 1000;
const PREFIX = `review.${document.body.dataset.staff}.`;

// Draft ----------------------------------------------------------------
function storedDrafts() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => [key, JSON.parse(localStorage.getItem(key))]);
}

function read() {
  const fields = {};
  for (const field of form.elements) {
    if (!field.name || field.type === 'hidden' || field.type === 'submit') continue;
    if (field.type === 'radio' || field.type === 'checkbox') {
      if (field.checked) (fields[field.name] ??= []).push(field.value);
    } else if (field.value) fields[field.name] = [field.value];
  }
  return fields;
}

function write(fields) {
  for (const field of form.elements) {
    if (!field.name || field.type === 'hidden' || field.type === 'submit') continue;
    const values = fields[field.name] ?? [];
    if (field.type === 'radio' || field.type === 'checkbox') field.checked = values.includes(field.value);
    else field.value = values[0] ?? '';
  }
}

function begin() {
  const key = form && PREFIX + form.dataset.judge;
  for (const [name, value] of storedDrafts()) {
    // What was sent and is not here again was stored; so was what another version of the same review says.
    if (name !== key && (value.sent || Date.now() - value.at > KEEP)) localStorage.removeItem(name);
  }
  if (!form) return;
  const mine = localStorage.getItem(key);
  if (mine && !('refused' in form.dataset)) write(JSON.parse(mine).fields);  // a refused form brings its own
}

function keep(sent = false) {
  localStorage.setItem(PREFIX + form.dataset.judge, JSON.stringify({ at: Date.now(), sent, fields: read() }));
}

// The result so far ----------------------------------------------------
const criteria = form ? [...form.querySelectorAll('[data-criterion]')] : [];

function total() {
  let had = 0, could = 0, scored = 0;
  for (const criterion of criteria) {
    const chosen = criterion.querySelector(':checked');
    if (!chosen) continue;
    scored += 1;
    if (!/^[0-4]$/.test(chosen.value)) continue;
    had += Number(criterion.dataset.weight) * Number(chosen.value);
    could += Number(criterion.dataset.weight) * BEST;
  }
  const box = form.querySelector('[data-total]');
  const space = document.documentElement.lang.startsWith('en') ? '' : ' ';
  if (could) box.textContent = `${Math.round(100 * had / could)}${space}%`;
  else box.textContent = scored ? box.dataset.none : '—';
}

// Keys -----------------------------------------------------------------
const typing = (target) => Boolean(target.closest?.('input:not([type="checkbox"], [type="radio"]), textarea, select'));
const focused = () => criteria.find((criterion) => criterion.contains(document.activeElement));
const open = () => criteria.find((criterion) => !criterion.querySelector(':checked'));

function go(criterion) {
  const radio = criterion.querySelector(':checked') ?? criterion.querySelector('[type="radio"]');
  radio.focus();
  criterion.scrollIntoView({ block: 'nearest' });
}

function give(value) {
  const criterion = focused() ?? open() ?? criteria[0];
  const radio = criterion?.querySelector(`[value="${value}"]`);
  if (!radio) return false;
  radio.checked = true;
  radio.dispatchEvent(new Event('change', { bubbles: true }));
  const following = criteria[criteria.indexOf(criterion) + 1];
  if (following) go(following);
  else document.getElementById('note').focus();
  return true;
}

function walk(step) {
  const entries = [...document.querySelectorAll('[data-entry]')];
  if (!entries.length) return false;
  const here = entries.findIndex((entry) => entry.contains(document.activeElement));
  const next = here < 0 ? (step > 0 ? 0 : entries.length - 1) : Math.max(0, Math.min(entries.length - 1, here + step));
  entries[next].focus();
  entries[next].scrollIntoView({ block: 'center' });
  return true;
}

function quote() {
  const box = document.activeElement?.closest('[data-entry]')?.querySelector('[data-quote]');
  if (!box) return false;
  box.click();
  if (box.checked) document.getElementById(`remark-${box.value}`).focus();
  return true;
}

function act(key) {
  if (/^[0-4]$/.test(key)) return give(key);
  if (key === '-') return give('na');
  if (key === 'j' || key === 'k') return walk(key === 'j' ? 1 : -1);
  return key === 'q' && quote();
}

function onKey(event) {
  if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    const target = document.activeElement?.form && document.activeElement.form !== form ? document.activeElement.form : form;
    event.preventDefault();
    target.requestSubmit(target.querySelector('.btn-primary') ?? undefined);
    return;
  }
  if (event.key === 'Escape' && typing(event.target)) {
    const entry = event.target.closest('[data-entry]');  // out of a remark, back to its message
    if (entry) entry.focus();
    else event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.singleKeys === 'off' || typing(event.target)) return;
  if (act(event.key.toLowerCase())) event.preventDefault();
}

begin();
if (form) {
  total();
  document.addEventListener('keydown', onKey);
  document.addEventListener('change', (event) => { if (event.target.form === form) { total(); keep(); } });
  document.addEventListener('input', (event) => { if (event.target.form === form) keep(); });
  document.addEventListener('submit', (event) => { if (event.target === form) keep(true); });
}
// Ctrl Enter sends an answer, too.
document.querySelector('[data-answer]')?.addEventListener('keydown', (event) => {
  if (form || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  event.target.form.requestSubmit(event.target.form.querySelector('.btn-primary, .btn-secondary'));
});
