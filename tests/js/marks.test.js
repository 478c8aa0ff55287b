// What the palette marks in a result: words by their beginnings, letters folded as the server folds them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fold, markedParts } from '../../console/static/palette/marks.js';

const marked = (text, query) => markedParts(text, query).filter((part) => part.hit).map((part) => part.text);

test('letters are folded as on the server', () => {
  assert.deepEqual([...'ĐšćŽЂшéA1'].map(fold), ['dj', 's', 'c', 'z', 'dj', 's', 'e', 'a', '1']);
});

test('the parts are the text', () => {
  const parts = markedParts('Đorđe Petrović', 'pet');
  assert.equal(parts.map((part) => part.text).join(''), 'Đorđe Petrović');
  assert.deepEqual(parts.map((part) => part.hit), [false, true, false]);
});

for (const [text, query, hits] of [
  ['Đorđe Petrović', 'djordje', ['Đorđe']],
  ['Ђорђе', 'Đorđ', ['Ђорђ']],
  ['Njegoš', 'њег', ['Njeg']],
  ['Ana Petrović', 'petrovic ana', ['Ana', 'Petrović']],
  ['banana ana', 'ana', ['ana']],
  ['mint-hosting.rs', 'hosting', ['hosting']],
  ['PF-2026-000123', '000123', ['000123']],
  ['Ana', 'anaa', []],
  ['Ana', '***', []],
  ['Ana', '', []],
]) test(`“${query}” in “${text}”`, () => assert.deepEqual(marked(text, query), hits));
