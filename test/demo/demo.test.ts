import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { CENSUS_ROWS, compare, countMailbox, emptyCensus } from './census.ts';

const DEMO = join(import.meta.dirname, 'run-demo.js');

/** Milliseconds: far more than the demo takes. */
const DEADLINE = 120_000;

function runDemo(environment: NodeJS.ProcessEnv = {}) {
  const temporary = mkdtempSync(join(tmpdir(), 'demo-test-'));
  try {
    const result = spawnSync(process.execPath, [DEMO], {
      encoding: 'utf8',
      timeout: DEADLINE,
      env: { ...process.env, TMPDIR: temporary, ...environment },
    });
    return { ...result, leftOver: readdirSync(temporary) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

test('the demo replicates everything, finds nothing to send the second time, and cleans up', () => {
  const { status, stdout, stderr, leftOver } = runDemo();
  assert.equal(status, 0, stderr);
  for (const row of CENSUS_ROWS) {
    const [, master, replica, word] =
      new RegExp(`^  ${row} +(\\d+) +(\\d+)  (\\w+)$`, 'm').exec(stdout) ?? [];
    assert.ok(Number(master) > 0, `the fixture shows no ${row}`);
    assert.equal(replica, master);
    assert.equal(word, 'same');
  }
  assert.match(stdout, /Messages that arrived damaged: 0\. Files changed on the master: 0\./);
  assert.match(stdout, /The temporary files are gone/);
  assert.deepEqual(leftOver, []);
});

test('the demo is not led astray by the Cyrus settings of the environment', () => {
  const { status, stderr } = runDemo({
    CYRUS_USER: 'no-such-user',
    CYRUS_GROUP: 'no-such-group',
    CYRUS_PREFIX: '/no/such/prefix',
    CYRUS_SYNC_SETTINGS: '/no/such/settings',
  });
  assert.equal(status, 0, stderr);
});

test('a demo that cannot unpack its store fails in one line and cleans up', () => {
  const { status, stderr, leftOver } = runDemo({ PATH: '/nowhere' });
  assert.equal(status, 1);
  assert.match(stderr, /demo failed: .*tar/);
  assert.equal(stderr.trim().split('\n').length, 1);
  assert.deepEqual(leftOver, []);
});

test('one flag that differs is found, though all counts agree', () => {
  const record = (flags: string[]) => ({
    uid: 1,
    guid: 'a'.repeat(40),
    modseq: 5,
    size: 10,
    internaldate: 1,
    flags,
    annotations: [],
  });
  const [master, replica] = [emptyCensus(), emptyCensus()];
  countMailbox(master, 'user.a', [record(['\\Seen'])]);
  countMailbox(replica, 'user.a', [record(['\\Draft'])]);
  const different = compare(master, replica).filter((row) => row.master !== row.replica);
  assert.deepEqual(different, [{ row: 'mailboxes with equal records', master: 1, replica: 0 }]);
});
