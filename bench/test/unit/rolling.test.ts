import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { indexBytes } from '../../../test/lab/index-bytes.ts';
import { mailboxOf } from '../../rolling/mailbox-of.ts';
import { ReplicaWatch } from '../../rolling/replica-watch.ts';
import { drainRatio } from '../../rolling/rolling-cells.ts';
import type { RollingResult, RollingRun } from '../../rolling/rolling-results.ts';
import { lagTable } from '../../rolling/rolling-tables.ts';
import { rollingTargets } from '../../rolling/rolling-targets.ts';
import { percentile } from '../../statistics.ts';

function run(contender: string, round: number, changed: Partial<RollingRun> = {}): RollingRun {
  const none = { behind: 0, lag: 0, missing: 0, failures: 0, up: null, down: null };
  const times = { drained: 1, achieved: 60, p50: 0.1, p99: 0.2, most: 0.3 };
  const costs = { cpu: 1, serverCpu: 1, peakRss: 1, load: 0 };
  return { roundTrip: 40, contender, round, changes: 600, ...none, ...times, ...costs, ...changed };
}

function result(runs: RollingRun[]): RollingResult {
  const machine = { cpu: '', cores: 2, memoryGiB: 1, kernel: '', node: '', cyrus: '', fileSystem: '' };
  const work = { users: 1, mailboxes: 1, messages: 1, octets: 1, rate: 0 };
  const pings: [] = [];
  return { case: 'f', title: 'F', machine: { ...machine, cyrusSync: '' }, code: 'one', work, pings, runs };
}

test('a change counts as visible when the index of the replica says so, written in place or replaced', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-watch-'));
  const index = join(directory, 'cyrus.index');
  const holding = (lastUid: number, highestmodseq: number) =>
    indexBytes({ version: 17, lastUid, highestmodseq }, []);
  try {
    writeFileSync(index, holding(1, 10));
    using watch = new ReplicaWatch([index]);
    watch.expect(index, { uid: 1 }, performance.now());
    assert.equal(watch.outstanding, 0, 'what is there already is seen without an event');
    watch.expect(index, { uid: 2 }, performance.now());
    watch.expect(index, { modseq: 12 }, performance.now());
    writeFileSync(index, holding(2, 11));
    while (watch.outstanding > 1) await setImmediate();
    // Half written: nothing is to be concluded from it.
    writeFileSync(index, holding(2, 12).subarray(0, 40));
    writeFileSync(`${index}.NEW`, holding(2, 12));
    renameSync(`${index}.NEW`, index);
    while (watch.outstanding > 0) await setImmediate();
    assert.equal(watch.takeLags(performance.now()).length, 3);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a change that never becomes visible has at least the lag of its age', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-watch-'));
  const index = join(directory, 'cyrus.index');
  try {
    writeFileSync(index, indexBytes({ version: 17, lastUid: 1 }, []));
    using watch = new ReplicaWatch([index]);
    watch.expect(index, { uid: 2 }, 1000);
    assert.equal(watch.oldest(6000), 5000);
    assert.deepEqual(watch.takeLags(8000), [7000]);
    assert.equal(watch.outstanding, 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a steady stream takes users in turn and all their mailboxes, a third of it flags', () => {
  const users = Array.from({ length: 50 }, (_, i) => `u${i}`);
  const mailboxes = ['INBOX', 'INBOX/A', 'INBOX/B'].flatMap((name) =>
    users.map((user) => ({ user, name, index: '' })),
  );
  const made = Array.from({ length: 50 * 6 }, (_, i) => mailboxOf(i, mailboxes));
  assert.equal(new Set(made.slice(0, 50).map(({ mailbox }) => mailbox.user)).size, 50);
  assert.equal(new Set(made.map(({ mailbox }) => mailbox)).size, mailboxes.length);
  const flags = made.filter(({ kind }) => kind === 'flag');
  assert.equal(flags.length, made.length / 3);
  // The only mailbox that is selected.
  assert.ok(flags.every(({ mailbox }) => mailbox.name === 'INBOX'));
});

test('percentiles are values that occurred', () => {
  assert.equal(percentile([3, 1, 2, 4], 50), 2);
  assert.equal(percentile([3, 1, 2, 4], 99), 4);
  assert.equal(percentile([7], 50), 7);
});

test('a client that was stopped before it was done shows what is missing, and meets no target', () => {
  const stopped = { drained: null, missing: 100, p99: 0.5 };
  const lag = result([run('ours', 0, stopped)]);
  assert.match(lagTable(lag), /≥ 0\.500.*100 missing/);
  const target = rollingTargets(undefined, lag).find(({ text }) => text.includes('40 ms, 60 changes'));
  assert.equal(target?.met, false);
  assert.equal(drainRatio(result([run('c', 0, stopped), run('ours', 0)]), 'ours', 40), Infinity);
});

test('on loopback lags are compared within rounds', () => {
  const at = (contender: string, round: number, p50: number) => run(contender, round, { roundTrip: 0, p50 });
  const lag = result([at('c', 0, 0.04), at('ours', 0, 0.02), at('c', 1, 0.4), at('ours', 1, 0.2)]);
  const target = rollingTargets(undefined, lag).find(({ text }) => text.includes('p50'));
  assert.equal(target?.found, '0.50x');
  assert.equal(target?.met, true);
});
