import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ListLocks } from '../../flush/list-locks.ts';

test('what processes note of their locks is added up from the latest reset on, and goes with its owner', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'locks-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const log = join(directory, 'log');
  {
    using locks = new ListLocks(log);
    assert.equal(locks.seconds, 0);
    appendFileSync(log, '7000000000\n');
    locks.reset();
    for (const line of ['1500000000\n', '250000000\n']) appendFileSync(log, line);
    assert.equal(locks.seconds, 1.75);
    assert.equal(locks.environment.HELD_LOG, log);
  }
  assert.equal(existsSync(log), false);
});
