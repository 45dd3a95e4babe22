import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { tryLock } from '../../../../src/native/locks.ts';
import { lockDatabase } from '../../../../src/store/cyrusdb/lock-database.ts';
import { lockInThread, patiently } from '../../../lab/lock-holders.ts';
import { openBelow } from '../../../lab/open-below.ts';
import { Scratch } from './scratch.ts';

test('a database that is replaced while its lock is awaited is locked where it is now, and its writers are kept out', async (context) => {
  const scratch = new Scratch(context);
  const path = scratch.file('old');
  const replaceBy = scratch.file('new', 'database.NEW');
  const repack = await lockInThread({ path, kind: 'exclusive', replaceBy });
  assert.equal(repack.got, true);
  repack.release();
  const lock = patiently(() => lockDatabase(path));
  assert.ok(lock);
  await repack.gone;
  assert.equal(mayBeWritten(path), false, 'what was locked is the file that nobody writes to any more');
  lock[Symbol.dispose]();
  assert.equal(mayBeWritten(path), true);
  assert.deepEqual(openBelow(scratch.directory), []);
});

test('a database that is not there has no writers to be kept out', (context) => {
  assert.equal(lockDatabase(new Scratch(context).path('none')), undefined);
});

function mayBeWritten(path: string): boolean {
  const fd = openSync(path, 'r+');
  try {
    return tryLock(fd, 'exclusive');
  } finally {
    closeSync(fd);
  }
}
