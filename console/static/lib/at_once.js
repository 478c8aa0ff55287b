// What narrows a list is followed when it is chosen, also when that was before this script was there.
const CHOICES = 'form[method="get"] [data-at-once]';

document.addEventListener('change', (event) => {
  if (event.target.matches(CHOICES)) event.target.form.requestSubmit();
});

// Empty filters stay out of the address.
document.addEventListener('submit', (event) => {
  if (!event.target.matches('[data-list-tools]')) return;
  for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
});
addEventListener('pageshow', () => {
  for (const field of document.querySelectorAll('[data-list-tools] :disabled')) field.disabled = false;
});

function differs(field) {
  if (field.type === 'checkbox') return field.checked !== field.defaultChecked;
  return field.value !== (field.querySelector('option[selected]') ?? field.options[0])?.value;
}

// Going back or reloading, the browser restores old choices: these were not made now.
if (performance.getEntriesByType('navigation')[0]?.type === 'navigate') {
  [...document.querySelectorAll(CHOICES)].find(differs)?.form.requestSubmit();
}
