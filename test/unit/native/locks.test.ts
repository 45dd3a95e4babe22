import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { chooseLocks, type LockMechanism, tryLock, unlock } from '../../../src/native/locks.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { lockInThread, scratchFile } from '../../lab/lock-holders.ts';

/** Python's name for the lock that another program takes. */
const PYTHON: Record<LockMechanism, string> = { fcntl: 'lockf', flock: 'flock' };

const HOLD = `
import fcntl, sys
file = open(sys.argv[1], 'r+')
getattr(fcntl, sys.argv[3])(file, fcntl.LOCK_SH if sys.argv[2] == 'shared' else fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.read()
`;

const TRY = `
import fcntl, sys
try:
    kind = fcntl.LOCK_SH if sys.argv[2] == 'shared' else fcntl.LOCK_EX
    getattr(fcntl, sys.argv[3])(open(sys.argv[1], 'r+'), kind | fcntl.LOCK_NB)
    print('got it')
except BlockingIOError:
    print('refused')
`;

/** While another process holds the file by `mechanism`. */
async function whileHeld(
  path: string,
  kind: string,
  mechanism: LockMechanism,
  look: () => void,
): Promise<void> {
  const holder = spawn('python3', ['-c', HOLD, path, kind, PYTHON[mechanism]], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(holder, 'exit');
  const held = once(holder.stdout, 'data').then(() => true);
  assert.equal(await Promise.race([held, gone.then(() => false)]), true, 'python3 must be installed');
  try {
    look();
  } finally {
    holder.stdin.end();
    await gone;
  }
}

for (const mechanism of ['fcntl', 'flock'] as const) {
  test(`${mechanism}: two descriptors of one process exclude each other as two processes do`, (context) => {
    chooseLocks(mechanism);
    const path = scratchFile(context);
    const [a, b] = [openSync(path, 'r+'), openSync(path, 'r+')];
    assert.equal(tryLock(a, 'exclusive'), true);
    assert.equal(tryLock(b, 'exclusive'), false);
    assert.equal(tryLock(b, 'shared'), false);
    unlock(a);
    assert.equal(tryLock(b, 'shared'), true);
    assert.equal(tryLock(a, 'shared'), true);
    assert.equal(tryLock(a, 'exclusive'), false, 'no upgrade while another one reads');
    closeSync(b);
    assert.equal(tryLock(a, 'exclusive'), true, 'closing is letting go');
    closeSync(a);
  });

  test(`${mechanism}: closing another descriptor of the same file does not drop the lock`, (context) => {
    chooseLocks(mechanism);
    const path = scratchFile(context);
    const [a, b] = [openSync(path, 'r+'), openSync(path, 'r+')];
    assert.equal(tryLock(a, 'exclusive'), true);
    closeSync(openSync(path, 'r'));
    assert.equal(tryLock(b, 'shared'), false);
    closeSync(a);
    closeSync(b);
  });

  test(`${mechanism}: two threads exclude each other`, async (context) => {
    chooseLocks(mechanism);
    const path = scratchFile(context);
    const thread = await lockInThread({ path, kind: 'exclusive', mechanism });
    assert.equal(thread.got, true);
    const fd = openSync(path, 'r+');
    assert.equal(tryLock(fd, 'shared'), false);
    thread.release();
    await thread.gone;
    assert.equal(tryLock(fd, 'exclusive'), true);
    closeSync(fd);
  });

  test(`${mechanism}: the lock of another process keeps us out, by its kind`, async (context) => {
    chooseLocks(mechanism);
    const path = scratchFile(context);
    const fd = openSync(path, 'r+');
    for (const kind of ['shared', 'exclusive']) {
      await whileHeld(path, kind, mechanism, () => {
        assert.equal(tryLock(fd, 'shared'), kind === 'shared');
        assert.equal(tryLock(fd, 'exclusive'), false);
        unlock(fd);
      });
      assert.equal(tryLock(fd, 'exclusive'), true);
      unlock(fd);
    }
    closeSync(fd);
  });

  test(`${mechanism}: our lock keeps another process out, by its kind`, (context) => {
    chooseLocks(mechanism);
    const path = scratchFile(context);
    const fd = openSync(path, 'r+');
    const attempt = (kind: string) =>
      spawnSync('python3', ['-c', TRY, path, kind, PYTHON[mechanism]], { encoding: 'utf8' }).stdout.trim();
    assert.equal(tryLock(fd, 'shared'), true);
    assert.equal(attempt('shared'), 'got it');
    assert.equal(attempt('exclusive'), 'refused');
    assert.equal(tryLock(fd, 'exclusive'), true);
    assert.equal(attempt('shared'), 'refused');
    unlock(fd);
    assert.equal(attempt('exclusive'), 'got it');
    closeSync(fd);
  });
}

for (const [chosen, other] of [
  ['fcntl', 'flock'],
  ['flock', 'fcntl'],
] as const) {
  test(`${chosen} does not see the ${other} of another process`, async (context) => {
    chooseLocks(chosen);
    const path = scratchFile(context);
    const fd = openSync(path, 'r+');
    await whileHeld(path, 'exclusive', other, () => assert.equal(tryLock(fd, 'exclusive'), true));
    closeSync(fd);
  });
}

test('what is not a held lock is an error with the call and the name of its errno', (context) => {
  const refusedBy = (call: RegExp) => (error: unknown) =>
    error instanceof SyncError && error.code === 'IO' && error.phase === 'lock' && call.test(error.message);
  const readable = openSync(scratchFile(context), 'r');
  chooseLocks('fcntl');
  assert.throws(() => tryLock(readable, 'exclusive'), refusedBy(/^EBADF: fcntl\(\d+, F_OFD_SETLK\)$/));
  closeSync(readable);
  for (const [mechanism, call] of [
    ['fcntl', /^EBADF: fcntl\(1000000, F_OFD_SETLK\)$/],
    ['flock', /^EBADF: flock\(1000000\)$/],
  ] as const) {
    chooseLocks(mechanism);
    assert.throws(() => tryLock(1_000_000, 'shared'), refusedBy(call));
    assert.throws(() => unlock(1_000_000), refusedBy(call));
  }
});
