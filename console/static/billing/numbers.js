// Numbers of documents that follow one another: what comes after one.

const END = /^(.*?)(\d+)(\D*)$/s;

/** Return the number after one: its last group of digits counted up, as wide as it was; `null` where it has none. */
export function following(number) {
  const parts = END.exec(number);
  if (!parts) return null;
  const [, before, digits, after] = parts;
  return before + String(BigInt(digits) + 1n).padStart(digits.length, '0') + after;
}

/** Fill in what is empty below the first number of each kind; `rows` are `{kind, value}`. Returns the new values. */
export function countUp(rows) {
  const last = new Map();
  return rows.map(({ kind, value }) => {
    const own = value.trim() || (last.has(kind) ? following(last.get(kind)) ?? '' : '');
    if (own) last.set(kind, own);
    return own;
  });
}
