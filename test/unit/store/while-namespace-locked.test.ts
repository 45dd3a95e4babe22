import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { whileNamespaceLocked } from '../../../src/store/files/while-namespace-locked.ts';
import { lockInThread } from '../../lab/lock-holders.ts';

const NAMES = ['by userid', 'by inbox'] as const;
const SOON_MS = 200;

function filesFor(t: TestContext): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'namespace-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return NAMES.map((name) => join(directory, name));
}

for (const [index, name] of NAMES.entries()) {
  test(`whoever has the lock ${name} keeps readers out, whichever of the two was taken last`, async (t) => {
    const files = filesFor(t);
    const held = files[index] ?? '';
    for (const [day, file] of [...files, held].entries()) {
      writeFileSync(file, '');
      utimesSync(file, day, day);
      const holder = file === held ? await lockInThread({ path: held, kind: 'exclusive' }) : undefined;
      if (holder === undefined) continue;
      t.after(holder.release);
      await assert.rejects(
        whileNamespaceLocked(files, SOON_MS, () => 'read'),
        (error) => error instanceof SyncError && error.code === 'LOCK_TIMEOUT' && error.retryable,
      );
      holder.release();
      await holder.gone;
      assert.equal(await whileNamespaceLocked(files, SOON_MS, () => 'read'), 'read');
    }
  });
}

test('a lock that nobody has ever taken is not made', async (t) => {
  const files = filesFor(t);
  assert.equal(await whileNamespaceLocked(files, SOON_MS, () => 'read'), 'read');
  assert.deepEqual(readdirSync(join(files[0] ?? '', '..')), []);
});

test('what was read while somebody took the lock for the first time is read again', async (t) => {
  for (const taken of [[], [0], [1]]) {
    const files = filesFor(t);
    for (const index of taken) writeFileSync(files[index] ?? '', '');
    let reads = 0;
    const result = await whileNamespaceLocked(files, SOON_MS, () => {
      reads += 1;
      if (reads === 1) for (const file of files) writeFileSync(file, '', { flag: 'a' });
      return `read ${reads}`;
    });
    assert.equal(result, 'read 2');
  }
});
