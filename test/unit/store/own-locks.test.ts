import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ownLocks } from '../../../src/store/remote/own-locks.ts';

function temporary(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'own-locks-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('a lock is of a master, a replica and a user, and whoever else asks does not get it until it is given back', (t) => {
  const directory = temporary(t);
  const { trySyncLock: lock } = ownLocks('master', directory);
  const held = lock('replica', 'anna');
  assert.ok(held);
  assert.equal(ownLocks('master', directory).trySyncLock('replica', 'anna'), undefined);
  for (const other of [
    lock('replica', 'bob'),
    lock('other', 'anna'),
    ownLocks('other', directory).trySyncLock('replica', 'anna'),
  ]) {
    assert.ok(other);
    other[Symbol.dispose]();
  }
  held[Symbol.dispose]();
  const again = lock('replica', 'anna');
  assert.ok(again);
  again[Symbol.dispose]();
});

test('who makes quota roots on a replica has its lock alone, whatever the master', (t) => {
  const directory = temporary(t);
  using held = ownLocks('master', directory).tryQuotaRootLock('replica');
  assert.ok(held);
  const others = ownLocks('other', directory);
  assert.equal(others.tryQuotaRootLock('replica'), undefined);
  for (const other of [others.tryQuotaRootLock('another'), others.trySyncLock('replica', '')]) {
    assert.ok(other);
    other[Symbol.dispose]();
  }
});

test('locks are in a directory of this account alone; one that others could write to is refused', (t) => {
  const directory = temporary(t);
  const { trySyncLock: lock } = ownLocks('master', directory);
  lock('replica', 'anna')?.[Symbol.dispose]();
  const own = join(directory, readdirSync(directory)[0] ?? '');
  assert.equal(statSync(own).mode & 0o777, 0o700);
  for (const mode of [0o720, 0o702]) {
    chmodSync(own, mode);
    assert.throws(() => lock('replica', 'anna'), { code: 'IO', message: /this account alone/ });
  }
  rmSync(own, { recursive: true });
  writeFileSync(own, '');
  assert.throws(() => lock('replica', 'anna'), { code: 'IO' });
});
