// Drafts of a ticket: saved on the server, and in the browser until the server has them.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import { page, storage } from './support.js';

const WAIT = 900, RETRY = 8_000;
const state = { textContent: '' };
const TEXTS = { saving: 'Saving', saved: 'Saved %(time)s', kept_here: 'Only here' };
page({
  ids: { ticket: { dataset: { number: '77', base: '/ticket/77' } }, texts: { textContent: JSON.stringify(TEXTS) } },
  one: { '[data-draft-state]': state, 'meta[name="csrf-token"]': { content: 'token' } },
  dataset: { staff: '3' },
});
globalThis.localStorage = storage();

mock.timers.enable({ apis: ['setTimeout'] });
const drafts = await import('../../console/static/tickets/page/drafts.js');

let posts, reply;
const answer = (status, data = {}) => ({ ok: status < 400, status, json: async () => data });
const passed = async (milliseconds) => {
  mock.timers.tick(milliseconds);
  await drafts.stop('none');
};

beforeEach(async () => {
  posts = [];
  reply = () => answer(200, { draft: { saved: '11:00' } });
  globalThis.fetch = async (path, { body }) => { posts.push([path, Object.fromEntries(body)]); return reply(); };
  globalThis.localStorage.values.clear();
  await drafts.stop('reply');
  await drafts.stop('note');
});

test('each composition has an id of its own', () => {
  assert.notEqual(drafts.fresh().client_id, drafts.fresh().client_id);
});

test('a draft comes back from the browser, per ticket, person and kind', () => {
  drafts.keepHere('reply', { body: 'Half' });
  assert.deepEqual(drafts.storedDraft('reply'), { body: 'Half' });
  assert.equal(drafts.storedDraft('note'), null);
  assert.deepEqual([...globalThis.localStorage.values.keys()], ['draft:3:77:reply']);
  drafts.keepHere('reply', { body: '' });
  assert.equal(drafts.storedDraft('reply'), null);
});

test('damaged or full storage is no fault', () => {
  globalThis.localStorage.values.set('draft:3:77:reply', '{');
  assert.equal(drafts.storedDraft('reply'), null);
  const { setItem } = globalThis.localStorage;
  globalThis.localStorage.setItem = () => { throw new Error('full'); };
  drafts.keepHere('reply', { body: 'Half' });
  globalThis.localStorage.setItem = setItem;
});

test('many keystrokes are saved once, with the last text', async () => {
  const text = { ...drafts.fresh(), body: 'H' };
  drafts.keepHere('reply', text);
  drafts.saveSoon('reply', text);
  await passed(WAIT - 1);
  text.body = 'Hello';
  drafts.saveSoon('reply', text);
  await passed(WAIT - 1);
  assert.equal(posts.length, 0);
  await passed(1);
  assert.deepEqual(posts.map(([path, { kind, body }]) => [path, kind, body]), [['/ticket/77/draft', 'reply', 'Hello']]);
  assert.equal(state.textContent, 'Saved 11:00');
  assert.equal(drafts.storedDraft('reply'), null);
});

test('a text that may have been sent stays in the browser', async () => {
  const text = { ...drafts.fresh(), body: 'Hello', tried: true };
  drafts.keepHere('reply', text);
  drafts.saveSoon('reply', text);
  await drafts.save();
  assert.equal(drafts.storedDraft('reply').client_id, text.client_id);
});

test('without an answer the draft stays here and is tried again', async () => {
  const text = { ...drafts.fresh(), body: 'Hello' };
  drafts.keepHere('reply', text);
  drafts.saveSoon('reply', text);
  reply = () => { throw new TypeError('offline'); };
  await drafts.save();
  assert.equal(state.textContent, 'Only here');
  assert.equal(drafts.storedDraft('reply').body, 'Hello');
  reply = () => answer(200, { draft: { saved: '11:01' } });
  await passed(RETRY);
  assert.equal(posts.length, 2);
  assert.equal(state.textContent, 'Saved 11:01');
});

test('a refusal is shown in the words of the server and not repeated', async () => {
  drafts.saveSoon('note', { ...drafts.fresh(), body: 'x' });
  reply = () => answer(422, { error: { message: 'Too long' } });
  await drafts.save();
  assert.equal(state.textContent, 'Too long');
  await passed(RETRY);
  assert.equal(posts.length, 1);
});

test('what was discarded is not saved', async () => {
  drafts.saveSoon('reply', { ...drafts.fresh(), body: 'x' });
  await drafts.stop('reply');
  await passed(WAIT);
  assert.equal(posts.length, 0);
});
