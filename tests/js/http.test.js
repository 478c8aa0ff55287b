// Asking the server: what goes out, and what comes back as words.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { page } from './support.js';

page({
  ids: { texts: { textContent: JSON.stringify({ failed: 'Something went wrong.', no_answer: 'No answer.' }) } },
  one: { 'meta[name="csrf-token"]': { content: 'token' } },
});
const { Refused, get, post } = await import('../../console/static/lib/http.js');

let request, reply;
const answer = (status, payload) => async () => ({ ok: status < 400, status, json: async () => (payload ?? JSON.parse('<html>')) });

beforeEach(() => {
  reply = answer(200, { done: true });
  globalThis.fetch = (url, options) => { request = { url, ...options }; return reply(); };
});

test('a form goes out with the token, a list as a repeated field', async () => {
  assert.deepEqual(await post('/x', { rowid: [1, 2], do: 'merge' }, { headers: { 'X-Chat-Token': 'c' } }), { done: true });
  assert.deepEqual([...request.body], [['rowid', '1'], ['rowid', '2'], ['do', 'merge']]);
  assert.deepEqual(request.headers, { Accept: 'application/json', 'X-CSRFToken': 'token', 'X-Chat-Token': 'c' });
});

test('a form element\'s fields go out as they are', async () => {
  const fields = new FormData();
  fields.append('file', 'content');
  await post('/x', fields);
  assert.equal(request.body, fields);
});

for (const [name, status, payload, expected] of [
  ['what is wrong with the fields comes first', 422, { error: { code: 'invalid', message: 'Invalid.', fields: { a: ['One.', ''], b: ['Two.'] } } }, [422, 'invalid', 'One. Two.']],
  ['else the reason', 409, { error: { code: 'conflict', message: 'Changed.', fields: {} } }, [409, 'conflict', 'Changed.']],
  ['an answer of a proxy has none of ours', 502, undefined, [502, '', 'Something went wrong.']],
]) {
  test(`refused: ${name}`, async () => {
    reply = answer(status, payload);
    await assert.rejects(get('/x'), (problem) => {
      assert.ok(problem instanceof Refused);
      assert.deepEqual([problem.status, problem.code, problem.message], expected);
      return true;
    });
  });
}

test('no answer is status 0, and says so', async () => {
  reply = async () => { throw new TypeError('Failed to fetch'); };
  await assert.rejects(get('/x'), { status: 0, message: 'No answer.' });
});

test('what its caller stopped is not refused', async () => {
  reply = async () => { throw new DOMException('Stopped', 'AbortError'); };
  await assert.rejects(get('/x'), { name: 'AbortError' });
});
