import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countUp, following } from '../../console/static/billing/numbers.js';

test('the last group of digits counts up, as wide as it was', () => {
  assert.equal(following('AR-2026-0099'), 'AR-2026-0100');
  assert.equal(following('AB12CD34-AB12CD34-17'), 'AB12CD34-AB12CD34-18');
  assert.equal(following('17/2026'), '17/2027');
  assert.equal(following('999'), '1000');
  assert.equal(following('90071992547409929'), '90071992547409930');
  assert.equal(following('bez broja'), null);
});

test('empty rows follow the number above them with the same document', () => {
  const rows = [['a', ''], ['a', 'A-1'], ['b', 'B-7'], ['a', ''], ['b', ' '], ['a', 'A-9'], ['a', '']];
  assert.deepEqual(
    countUp(rows.map(([kind, value]) => ({ kind, value }))), ['', 'A-1', 'B-7', 'A-2', 'B-8', 'A-9', 'A-10']);
});
