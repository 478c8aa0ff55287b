// The line at the head of the widget, for each state there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { page } from './support.js';

page();
const { banner, headline, isOpen } = await import('../../console/static/widget/banner.js');

const NOW = Date.parse('2026-11-23T16:00:00+01:00');
const OPEN = { open: true, closes_at: '2026-11-23T17:00:00+01:00' };
const queued = { status: 'queued' }, active = { status: 'active', agent: 'Milan' };
const state = (more) => ({ link: 'ok', chat: null, opening: false, hours: OPEN, now: NOW, notice: 15, anybody: true, ...more });
const keys = (more) => banner(state(more)).words.map(([key]) => key);

for (const [name, more, expected] of [
  ['no chat', {}, []],
  ['a lost connection comes before all else', { link: 'lost', problem: 'Too long', chat: active }, ['reconnecting']],
  ['a refusal in its own words', { problem: 'Too long', chat: active }, ['Too long']],
  ['a chat whose state is not known yet', { opening: true }, ['connecting']],
  ['just back', { link: 'back', chat: active }, ['connected']],
  ['queued', { chat: queued }, ['queued']],
  ['queued, no agent available', { chat: queued, anybody: false }, ['queued', 'queued_none']],
  ['back in the queue', { chat: { ...queued, requeued: true }, anybody: false }, ['requeued']],
  ['active', { chat: active }, []],
  ['ended by the visitor', { chat: { status: 'closed', ended_by: 'visitor' } }, ['ended_by_visitor']],
  ['ended by staff', { chat: { status: 'closed', ended_by: 'staff' } }, ['ended_by_staff']],
  ['ended while the visitor wrote', { chat: { status: 'closed', ended_by: 'staff' }, unsent: true }, ['ended_keep']],
]) test(name, () => assert.deepEqual(keys(more), expected));

test('a ticket is named', () => {
  assert.deepEqual(banner(state({ chat: { status: 'ticketed', ticket: 'T-100001' } })), { words: [['ticketed', { number: 'T-100001' }]], good: true });
});

test('closing is told from the notice on, and after it', () => {
  const at = (time) => banner(state({ chat: active, now: Date.parse(`2026-11-23T${time}+01:00`) })).words;
  assert.deepEqual(at('16:44:59'), []);
  assert.deepEqual(at('16:45:00'), [['closing_soon', { time: '17:00' }]]);
  assert.deepEqual(at('17:00:00'), [['closed_open_chat']]);
});

test('hours that were told earlier still hold', () => {
  assert.equal(isOpen({ open: true, closes_at: null }, NOW), true);
  assert.equal(isOpen({ open: false, next_open: null }, NOW), false);
  assert.equal(isOpen({ open: false, next_open: '2026-11-23T16:00:00+01:00' }, NOW), true);
});

test('the headline has the agent who answers', () => {
  assert.deepEqual(headline(active), ['taken', { name: 'Milan' }]);
  assert.equal(headline(queued), null);
});
