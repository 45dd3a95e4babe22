import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ReadAhead } from '../../../src/store/remote/read-ahead.ts';
import type { SpooledMailboxes } from '../../../src/store/remote/spooled-mailboxes.ts';

/** Mailboxes that are read when the test lets them be. */
function scene() {
  const asked: string[] = [];
  const ends = new Map<string, { done: () => void; fail: () => void }>();
  const read = (name: string): Promise<void> => {
    asked.push(name);
    return new Promise((done, reject) => ends.set(name, { done, fail: () => reject(new Error('locked')) }));
  };
  const ahead = new ReadAhead({ read } as unknown as SpooledMailboxes);
  const end = (name: string): { done: () => void; fail: () => void } => ends.get(name) ?? assert.fail(name);
  return { ahead, asked, end };
}

const names = (count: number, of = ''): string[] => Array.from({ length: count }, (_, i) => `${of}${i}`);

test('sixteen are asked for ahead, in their order, and one more for each that is taken', async () => {
  const { ahead, asked, end } = scene();
  ahead.expect(names(20));
  assert.deepEqual(asked, names(16));
  let taken: boolean | undefined;
  const take = ahead.take('3').then((fresh) => {
    taken = fresh;
  });
  await nextTurn();
  assert.equal(taken, undefined, 'it has not come yet');
  end('3').done();
  await take;
  assert.equal(taken, true);
  assert.deepEqual(asked, names(17));
  assert.equal(await ahead.take('3'), false, 'it was taken');
  assert.equal(await ahead.take('19'), false, 'it was not asked for yet');
  assert.deepEqual(asked, names(17));
});

test('one that cannot be read is to be asked for again by whoever wants it, and keeps no other back', async () => {
  const { ahead, asked, end } = scene();
  ahead.expect(names(17));
  end('0').fail();
  assert.equal(await ahead.take('0'), false);
  assert.deepEqual(asked, names(17));
  // A failure that nobody takes up is told to nobody.
  end('1').fail();
  await nextTurn();
});

test('what is expected now takes the place of what was', async () => {
  const { ahead, asked, end } = scene();
  ahead.expect(names(20, 'a'));
  ahead.expect(names(2, 'b'));
  assert.deepEqual(asked, [...names(16, 'a'), ...names(2, 'b')]);
  assert.equal(await ahead.take('a0'), false);
  end('b0').done();
  assert.equal(await ahead.take('b0'), true);
  assert.equal(asked.length, 18, 'none of the former is asked for any more');
});
