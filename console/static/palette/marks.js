// Which letters of a result a search has found, to be marked.
// The same folding as the server's (console/core/text.py), letter by letter, so that a mark knows its place.
const LETTERS = { đ: 'dj', ђ: 'dj', љ: 'lj', њ: 'nj', џ: 'dz', ж: 'z', ч: 'c', ћ: 'c', ш: 's', ј: 'j', а: 'a', б: 'b', в: 'v', г: 'g', д: 'd', е: 'e', з: 'z', и: 'i', к: 'k', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ф: 'f', х: 'h', ц: 'c' };

export function fold(letter) {
  const low = letter.toLowerCase();
  return LETTERS[low] ?? low.normalize('NFD').replace(/\p{M}/gu, '');
}

/** The text in parts: `{ text, hit }`. Words are found by their beginnings. */
export function markedParts(text, query) {
  const letters = [...text];
  const folded = letters.map(fold);
  const hit = letters.map(() => false);
  for (const word of [...query].map(fold).join('').match(/[a-z0-9]+/g) ?? []) {
    for (let start = 0; start < letters.length; start += 1) {
      if (start > 0 && /[a-z0-9]/.test(folded[start - 1])) continue;
      let rest = word, place = start;
      while (rest && place < letters.length && folded[place] && (rest.startsWith(folded[place]) || folded[place].startsWith(rest))) {
        rest = rest.slice(folded[place].length);
        place += 1;
      }
      if (!rest) hit.fill(true, start, place);
    }
  }
  const parts = [];
  letters.forEach((letter, place) => {
    const last = parts.at(-1);
    if (last && last.hit === hit[place]) last.text += letter;
    else parts.push({ hit: hit[place], text: letter });
  });
  return parts;
}
