import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { lockNow } from '../../../../src/native/when-locked.ts';
import { SyncError } from '../../../../src/report/sync-error.ts';
import { withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';
import { CyrusScratch, kill, MARKER, type Operation } from '../../../lab/cyrus-scratch.ts';

const KEYS = 40;
const TRANSACTIONS = 150;
const MAX_ROUNDS = 40;
const WANTED_OVERLAPS = 3;

/** All keys to one number: a read that sees two numbers has seen half a transaction. */
function generation(number: number): Operation[] {
  return Array.from({ length: KEYS }, (_, i) => ({
    set: `user.u${i}`,
    value: `${number} ${'x'.repeat((number * 7) % 300)}`,
  }));
}

for (const format of ['twoskip', 'skiplist', 'flat']) {
  test(`${format}: reads beside a live writer see whole transactions only, and never go back`, async (context) => {
    const scratch = new CyrusScratch(context);
    const path = scratch.path('database');
    let written = 0;
    let latest = 0;
    let between = 0;
    scratch.transaction(path, format, generation(written));
    // A fast disk can let the writer through before our first read: such a round proves nothing, so there is another.
    for (let round = 0; round < MAX_ROUNDS && between < WANTED_OVERLAPS; round++) {
      const first = written + 1;
      written += TRANSACTIONS;
      const transactions = Array.from({ length: TRANSACTIONS }, (_, i) => generation(first + i));
      const writer = await scratch.startBatch(path, format, transactions);
      let running = true;
      const gone = once(writer, 'exit').then(([code]) => {
        running = false;
        return code;
      });
      while (running) {
        const number = ifLocked(() => wholeGeneration(path));
        await setImmediate();
        // Cyrus is in its turn for as long as it likes; the engine comes again then, and so does this.
        if (number === undefined) continue;
        assert.ok(number >= latest, `went back from ${latest} to ${number}`);
        if (number > latest && number < written) between++;
        latest = number;
      }
      assert.equal(await gone, 0);
      assert.equal(wholeGeneration(path), written);
    }
    assert.ok(between >= WANTED_OVERLAPS, 'the reads and the writes did not overlap');
  });
}

/** @returns undefined when there was no lock to be had in time */
function ifLocked<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyncError && error.code === 'LOCK_TIMEOUT') return undefined;
    throw error;
  }
}

function wholeGeneration(path: string): number {
  const rows =
    withDatabase(path, (database) => {
      // Keys between all others: what proves that they are not there is never half written.
      for (let i = 0; i < KEYS; i++) assert.equal(database.get(`user.u${i}.none`), undefined);
      assert.deepEqual([...database.entries('user.none')], []);
      return [...database.entries('')];
    }) ?? [];
  assert.equal(rows.length, KEYS);
  const numbers = new Set(rows.map(([, value]) => Number.parseInt(value, 10)));
  assert.equal(numbers.size, 1, `one transaction at a time, found ${[...numbers]}`);
  const [number = -1] = numbers;
  return number;
}

for (const format of ['twoskip', 'skiplist']) {
  test(`${format}: an open write transaction of Cyrus keeps us out until the deadline`, async (context) => {
    const scratch = new CyrusScratch(context);
    const path = scratch.path('database');
    scratch.transaction(path, format, [{ set: MARKER, value: 'x' }]);
    const writer = await scratch.openTransaction(path, format, [{ set: 'a', value: 'b' }]);
    try {
      assert.throws(
        () => withDatabase(path, (database) => database.get('a')),
        (error) => error instanceof SyncError && error.code === 'LOCK_TIMEOUT' && error.retryable,
      );
    } finally {
      await kill(writer);
    }
    assert.equal(
      withDatabase(path, (database) => database.get('a')),
      undefined,
    );
  });

  test(`${format}: a writer of Cyrus waits for our shared lock, and goes on after it`, async (context) => {
    const scratch = new CyrusScratch(context);
    const path = scratch.path('database');
    scratch.transaction(path, format, [{ set: 'a', value: 'old' }]);
    const fd = openSync(path, 'r');
    lockNow(fd, 'shared', path);
    const writer = await scratch.start(path, format, ['set', 'a', 'new']);
    const gone = once(writer, 'exit');
    const inode = statSync(path).ino;
    // The kernel shows who waits behind a lock as a line of its own, with an arrow.
    while (
      !readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .some((l) => l.includes('->') && l.includes(`:${inode} `))
    ) {
      assert.equal(writer.exitCode, null, 'the writer did not wait');
      await setImmediate();
    }
    assert.equal(
      withDatabase(path, (database) => database.get('a')),
      'old',
    );
    closeSync(fd);
    assert.deepEqual(await gone, [0, null]);
    assert.equal(
      withDatabase(path, (database) => database.get('a')),
      'new',
    );
  });
}
