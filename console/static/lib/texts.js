// What the scripts say, in the page's language: written by the server into #texts.
const texts = JSON.parse(document.getElementById('texts')?.textContent ?? '{}');
const plural = new Intl.PluralRules(document.documentElement.lang.slice(0, 2) || 'sr');

export const say = (name) => texts[name] ?? '';

// A text that counts has its forms by plural category; # is the number.
export function count(name, number) {
  const forms = texts[name] ?? {};
  const form = typeof forms === 'string' ? forms : forms[plural.select(number)] ?? forms.other ?? '';
  return form.replace('#', String(number));
}
