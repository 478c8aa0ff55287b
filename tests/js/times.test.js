// Relative times and countdowns, by the clock of the server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, mock, test } from 'node:test';

import { page } from './support.js';

const SERVER = Date.parse('2026-11-23T11:00:00Z');
const TEXTS = {
  just_now: 'just now', ended: 'ended',
  minutes_ago: { one: '# minute ago', other: '# minutes ago' }, hours_ago: { one: '# hour ago', other: '# hours ago' },
  left_seconds: { other: '# s' }, left_minutes: { other: '# min' }, left_hours: { other: '# h' }, left_days: { other: '# d' },
};
const drawn = [], counts = [];
let times, reloads = 0;

function element(seconds, dataset = {}) {
  const attributes = new Set();
  return {
    dateTime: new Date(SERVER + seconds * 1000).toISOString(), textContent: 'by the server', dataset, attributes, events: [],
    hasAttribute: (name) => attributes.has(name),
    setAttribute(name) { attributes.add(name); },
    toggleAttribute: (name, on) => (on ? attributes.add(name) : attributes.delete(name)),
    dispatchEvent(event) { this.events.push(event.type); },
  };
}

function draw(list, seconds, dataset) {
  const time = element(seconds, dataset);
  list.push(time);
  times.refresh();
  return time;
}

before(async () => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: SERVER + 3_600_000 });  // this machine is an hour ahead
  page({
    ids: { texts: { textContent: JSON.stringify(TEXTS) } },
    one: { 'meta[name="server-time"]': { content: new Date(SERVER).toISOString() } },
    all: { 'time[data-countdown]': counts, 'time[datetime]:not([data-countdown], [data-fixed])': drawn },
  });
  globalThis.location = { reload: () => { reloads += 1; } };
  times = await import('../../console/static/lib/times.js');
});
beforeEach(() => { drawn.length = 0; counts.length = 0; });
after(() => mock.timers.reset());

test('the clock is the server’s', () => assert.equal(times.now(), SERVER));

for (const [seconds, words] of [
  [0, 'just now'], [-59, 'just now'], [-60, '1 minute ago'], [-3599, '59 minutes ago'],
  [-3600, '1 hour ago'], [-86_399, '23 hours ago'], [-86_400, 'by the server'], [60, 'by the server'],
]) test(`${-seconds} seconds ago: ${words}`, () => assert.equal(draw(drawn, seconds).textContent, words));

for (const [seconds, words, soon] of [
  [1, '1 s', true], [59, '59 s', true], [60, '1 min', true], [300, '5 min', true], [301, '6 min', false],
  [3600, '1 h', false], [86_399, '23 h', false], [86_400, '1 d', false],
]) test(`${seconds} seconds left: ${words}`, () => {
  const time = draw(counts, seconds);
  assert.equal(time.textContent, words);
  assert.equal(time.attributes.has('data-soon'), soon);
});

test('a countdown ends once, and takes what it opened off the screen', () => {
  const time = draw(counts, 1, { countdown: 'reload' });
  mock.timers.tick(3_000);
  assert.equal(time.textContent, 'ended');
  assert.deepEqual(time.events, ['countdown:end']);
  assert.equal(reloads, 1);
});
