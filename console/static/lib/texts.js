// What the scripts say, in the page's language: written by the server into #texts (console/web/script_texts).
const texts = JSON.parse(document.getElementById('texts')?.textContent ?? '{}');
const plural = new Intl.PluralRules(document.documentElement.lang.slice(0, 2) || 'sr');

/** A text, %(name)s filled in. */
export const say = (name, values = {}) => (texts[name] ?? '').replace(/%\((\w+)\)s/g, (_word, key) => values[key] ?? '');

/** A text that counts: it has its forms by plural category; # is the number. */
export function count(name, number) {
  const forms = texts[name] ?? {};
  return (forms[plural.select(number)] ?? forms.other ?? '').replace('#', String(number));
}
