// Messages on their way: stored in the browser until the server has them, sent again under the same id.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { LATER, Outbox } from '../../console/static/lib/chat/outbox.js';
import { storage } from './support.js';

let store, outbox;

beforeEach(() => {
  store = storage();
  outbox = new Outbox(store);
});

test('a message survives a reload under its id', () => {
  const { id } = outbox.put('Hello', []);
  assert.deepEqual(new Outbox(store).all().map((message) => message.id), [id]);
});

test('messages go out in the order they were written, each until it is stored', () => {
  const first = outbox.put('one', []);
  const second = outbox.put('two', []);
  assert.equal(outbox.next().id, first.id);
  outbox.stored(first.id);
  assert.equal(outbox.next().id, second.id);
  outbox.stored(second.id);
  assert.equal(outbox.next(), undefined);
  assert.equal(store.values.has('outbox'), false);
});

test('a failed message is passed over until its writer sends it again, under the same id', () => {
  const failed = outbox.put('one', []);
  const other = outbox.put('two', []);
  outbox.fail(failed.id);
  assert.equal(outbox.next().id, other.id);
  assert.equal(new Outbox(store).next().id, other.id);
  outbox.again(failed.id);
  assert.equal(outbox.next().id, failed.id);
});

test('what its writer says about a PIN goes out with the message', () => {
  const { id } = outbox.put('my order 123 456', []);
  outbox.fail(id);
  outbox.settle(id, { not_pin: 'a' });
  outbox.settle(id, { not_pin: 'b' });
  outbox.settle('unknown', { mask: true });
  assert.deepEqual(outbox.next().not_pin, ['a', 'b']);
  outbox.settle(id, { mask: true });
  assert.equal(outbox.next().mask, true);
});

test('of a file only what names it is stored', () => {
  const message = outbox.put('', [{ id: 7, name: 'a.png', size: 3, blob: 'bytes' }]);
  assert.deepEqual(message.files, [{ id: 7, name: 'a.png', size: 3 }]);
});

test('codes that pass are retried without asking, refusals are not', () => {
  assert.ok(LATER.has('rate') && LATER.has('unavailable'));
  assert.ok(!LATER.has('conflict') && !LATER.has('pin_like'));
});
