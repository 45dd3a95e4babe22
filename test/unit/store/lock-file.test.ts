import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { lockScope } from '../../../src/native/lock-scope.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { lockFileNow, tryLockFile, whileFileLocked } from '../../../src/store/files/while-file-locked.ts';
import { lockInThread } from '../../lab/lock-holders.ts';
import { openBelow } from '../../lab/open-below.ts';

function temporary(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'lock-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('a lock whose name is too long for a file says so, and what may help', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lock-'));
  try {
    const file = join(directory, `*S*replica*${'x'.repeat(250)}.lock`);
    assert.throws(
      () => tryLockFile(file, 'exclusive'),
      (error) =>
        error instanceof SyncError && error.code === 'IO' && /a shorter sync_host/.test(error.hint ?? ''),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a lock file is made where it is missing, with the directories above, and stays', (t) => {
  const directory = temporary(t);
  const file = join(directory, 'lock/user/anna.lock');
  {
    using held = tryLockFile(file, 'exclusive');
    assert.ok(held);
  }
  assert.equal(statSync(file).size, 0);
  writeFileSync(file, 'of Cyrus');
  {
    using held = lockFileNow(file, 'shared');
    assert.ok(held);
    assert.equal(tryLockFile(file, 'exclusive'), undefined);
    using other = tryLockFile(file, 'shared');
    assert.ok(other);
  }
  assert.equal(readFileSync(file, 'latin1'), 'of Cyrus', 'nothing in it is touched');
  assert.deepEqual(openBelow(directory), []);
});

test('a lock that is not had leaves nothing open, and one that is given back twice takes nothing from others', async (t) => {
  const directory = temporary(t);
  const file = join(directory, 'anna.lock');
  writeFileSync(file, '');
  const other = await lockInThread({ path: file, kind: 'exclusive' });
  t.after(other.release);
  const before = openBelow(directory).length;
  assert.equal(tryLockFile(file, 'shared'), undefined);
  assert.throws(() => lockScope(() => lockFileNow(file, 'shared')), { code: 'LOCK_TIMEOUT', phase: 'lock' });
  await assert.rejects(
    whileFileLocked(file, 'shared', 0, () => 'never'),
    { code: 'LOCK_TIMEOUT' },
  );
  assert.equal(openBelow(directory).length, before);
  other.release();
  await other.gone;
  const lock = lockFileNow(file, 'exclusive');
  lock[Symbol.dispose]();
  // The descriptor of the lock is that of the next file.
  using held = lockFileNow(join(directory, 'bob.lock'), 'exclusive');
  assert.ok(held);
  lock[Symbol.dispose]();
  assert.equal(tryLockFile(join(directory, 'bob.lock'), 'exclusive'), undefined);
});

test('what is done under a lock is done once, and its lock is free afterwards, whatever it comes to', async (t) => {
  const file = join(temporary(t), 'anna.lock');
  let times = 0;
  const work = (): number => {
    times += 1;
    assert.equal(tryLockFile(file, 'shared'), undefined);
    return 7;
  };
  assert.equal(await whileFileLocked(file, 'exclusive', 0, work), 7);
  assert.equal(times, 1);
  await assert.rejects(
    whileFileLocked(file, 'exclusive', 0, () => {
      throw new RangeError('mine');
    }),
    RangeError,
  );
  using free = tryLockFile(file, 'exclusive');
  assert.ok(free);
});

test('a directory in the place of a lock is refused', (t) => {
  const file = join(temporary(t), 'anna.lock');
  mkdirSync(file);
  for (const lock of [() => tryLockFile(file, 'shared'), () => lockFileNow(file, 'shared')])
    assert.throws(lock, { code: 'IO', phase: 'lock', hint: /the user that Cyrus runs as/ });
});
