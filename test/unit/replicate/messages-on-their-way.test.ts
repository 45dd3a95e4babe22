import assert from 'node:assert/strict';
import test from 'node:test';
import { MessagesOnTheirWay } from '../../../src/replicate/connection/messages-on-their-way.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';

const PARTITION = 'default';
const LEAST_OCTETS = 1_000;

function record(name: string, size = LEAST_OCTETS): IndexRecord {
  return { guid: name, size } as IndexRecord;
}

/** No command is sent by it here. */
function connection(): Stage {
  return new Stage({} as never);
}

function guids(records: readonly IndexRecord[]): string {
  return records.map(({ guid }) => guid).join(' ');
}

/** @returns whether it has ended by now */
async function hasEnded(work: Promise<void>): Promise<boolean> {
  let ended = false;
  const noted = work.then(() => {
    ended = true;
  });
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  void noted;
  return ended;
}

test('what one connection is sending is left to it by others, until its step has ended', async () => {
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const anna = messages.begin('anna', connection(), PARTITION, [record('a'), record('both')]);
  const bert = messages.begin('bert', connection(), PARTITION, [record('both'), record('b')]);
  assert.deepEqual([guids(anna.mine), guids(anna.others)], ['a both', '']);
  assert.deepEqual([guids(bert.mine), guids(bert.others)], ['b', 'both']);
  await anna.waitForOthers();
  const waiting = bert.waitForOthers();
  assert.equal(await hasEnded(waiting), false);
  anna[Symbol.dispose]();
  await waiting;
  const carl = messages.begin('carl', connection(), PARTITION, [record('a'), record('both'), record('b')]);
  assert.deepEqual([guids(carl.mine), guids(carl.others)], ['a both', 'b']);
});

test('neither small messages nor those of another partition are left to others', () => {
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const records = [record('large'), record('small', LEAST_OCTETS - 1)];
  messages.begin('anna', connection(), PARTITION, records);
  assert.equal(guids(messages.begin('bert', connection(), PARTITION, records).mine), 'small');
  assert.equal(guids(messages.begin('carl', connection(), 'other', records).mine), 'large small');
});

test('what is on the stage already, or on its way for another mailbox of the same user, is not waited for', () => {
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const records = [record('staged'), record('twice')];
  messages.begin('anna', connection(), PARTITION, records);
  assert.equal(guids(messages.begin('anna', connection(), PARTITION, records).mine), 'staged twice');
  const stage = connection();
  stage.add(PARTITION, ['staged']);
  assert.equal(guids(messages.begin('bert', stage, PARTITION, records).mine), 'staged');
});

test('of users who would wait for each other, the last one does not', async () => {
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const users = ['anna', 'bert', 'carl'];
  // Each is sending what the one before wants.
  const sendings = users.map((user) =>
    messages.begin(user, connection(), PARTITION, [record(`of ${user}`), record('x', 1)]),
  );
  const [forBert, forCarl, forAnna] = users.map((user, index) => {
    const next = users[(index + 1) % users.length];
    return messages.begin(user, connection(), PARTITION, [record(`of ${next}`)]).waitForOthers();
  });
  assert.ok(forBert && forCarl && forAnna);
  await forAnna;
  assert.equal(await hasEnded(forBert), false);
  assert.equal(await hasEnded(forCarl), false);
  sendings[2]?.[Symbol.dispose]();
  await forCarl;
  assert.equal(await hasEnded(forBert), false);
  sendings[1]?.[Symbol.dispose]();
  await forBert;
});

test('nobody waits for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  messages.begin('anna', connection(), PARTITION, [record('both')]);
  const waiting = messages.begin('bert', connection(), PARTITION, [record('both')]).waitForOthers();
  t.mock.timers.tick(1_999);
  assert.equal(await hasEnded(waiting), false);
  t.mock.timers.tick(1);
  await waiting;
});

test('waits of users who have nothing to do with one another keep nobody from waiting', async () => {
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const anna = messages.begin('anna', connection(), PARTITION, [record('of anna')]);
  const bert = messages.begin('bert', connection(), PARTITION, [record('of bert'), record('of anna')]);
  const forBert = bert.waitForOthers();
  const forCarl = messages.begin('carl', connection(), PARTITION, [record('of bert')]).waitForOthers();
  assert.equal(await hasEnded(forCarl), false);
  bert[Symbol.dispose]();
  await forCarl;
  anna[Symbol.dispose]();
  await forBert;
});

test('a user for whom another has waited, and waits no more, waits for that one', async () => {
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const anna = messages.begin('anna', connection(), PARTITION, [record('of anna')]);
  const bert = messages.begin('bert', connection(), PARTITION, [record('of bert'), record('of anna')]);
  const forBert = bert.waitForOthers();
  anna[Symbol.dispose]();
  await forBert;
  const forAnna = messages.begin('anna', connection(), PARTITION, [record('of bert')]).waitForOthers();
  assert.equal(await hasEnded(forAnna), false);
  bert[Symbol.dispose]();
  await forAnna;
});

test('who waits for several waits for the last of them, and leaves no timer behind', async (t) => {
  const timers = new Set<unknown>();
  t.mock.method(globalThis, 'setTimeout', () => {
    const timer = {};
    timers.add(timer);
    return timer;
  });
  t.mock.method(globalThis, 'clearTimeout', (timer: unknown) => timers.delete(timer));
  const messages = new MessagesOnTheirWay(LEAST_OCTETS);
  const [anna, bert] = ['anna', 'bert'].map((user) =>
    messages.begin(user, connection(), PARTITION, [record(`of ${user}`)]),
  );
  const wanted = [record('of anna'), record('of bert')];
  const waiting = messages.begin('carl', connection(), PARTITION, wanted).waitForOthers();
  anna?.[Symbol.dispose]();
  assert.equal(await hasEnded(waiting), false);
  assert.equal(timers.size, 1);
  bert?.[Symbol.dispose]();
  await waiting;
  assert.equal(timers.size, 0);
});
