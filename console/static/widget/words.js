// Texts of the page, in its language.
const texts = JSON.parse(document.getElementById('texts').textContent);
const rules = new Intl.PluralRules(document.documentElement.lang.startsWith('en') ? 'en' : 'sr');

export function say(key, values = {}) {
  let words = texts[key] ?? key;
  for (const [name, value] of Object.entries(values)) words = words.replaceAll(`%(${name})s`, value);
  return words;
}

export function plural(key, number) {
  const forms = texts[key];
  return (forms[rules.select(number)] ?? forms.other).replace('#', String(number));
}
