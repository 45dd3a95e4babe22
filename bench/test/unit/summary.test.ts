import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cellsOf, speedup } from '../../cells.ts';
import { parseContender } from '../../contenders.ts';
import { type CaseResult, ResultFile, type Run } from '../../results.ts';

function run(contender: string, round: number, wall: number): Run {
  const counted = { up: null, down: null, connections: null };
  return {
    roundTrip: 40,
    contender,
    round,
    wall,
    user: 1,
    system: 1,
    peakRss: 1,
    serverCpu: 1,
    ...counted,
  };
}

function result(runs: Run[], code = 'one'): CaseResult {
  const machine = { cpu: '', cores: 2, memoryGiB: 1, kernel: '', node: '', cyrus: '', fileSystem: '' };
  const work = { users: 1, mailboxes: 1, messages: 1, octets: 1, rate: 0 };
  const pings: [] = [];
  return { case: 'x', title: 'X', machine: { ...machine, cyrusSync: '' }, code, work, pings, runs };
}

test('a ratio is the median of the ratios within rounds, whatever the weather of other rounds', () => {
  // The third round was ten times slower for both; the fourth has only one of them.
  const runs = [run('c', 0, 4), run('ours', 0, 1), run('c', 1, 6), run('ours', 1, 1)];
  const slow = [run('c', 2, 50), run('ours', 2, 10), run('ours', 3, 1000)];
  assert.equal(speedup(result([...runs, ...slow]), 'c', 'ours', 40), 5);
  assert.equal(speedup(result(runs), 'c', 'xargs8', 40), undefined);
});

test('a cell without counted octets says so instead of zero', () => {
  const [cell] = cellsOf(result([run('c', 0, 4), run('c', 1, 2)]));
  assert.equal(cell?.wall, 3);
  assert.equal(cell?.cpu, 2);
  assert.equal(cell?.wire, undefined);
});

test('an interrupted case goes on where it was, and never with another program', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-results-'));
  try {
    new ResultFile(directory, result([]), false).add(run('c', 0, 4));
    const again = new ResultFile(directory, result([]), false);
    assert.ok(again.has(40, 'c', 0));
    assert.ok(!again.has(40, 'c', 1));
    assert.throws(() => new ResultFile(directory, result([], 'two'), false), /another program/);
    assert.ok(!new ResultFile(directory, result([], 'two'), true).has(40, 'c', 0));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('contenders are named as they are run', () => {
  const { client, count, compression, sandbox } = parseContender('ours8:deflate:sandbox');
  assert.deepEqual([client, count, compression, sandbox], ['ours', 8, 'on', true]);
  assert.equal(parseContender('xargs16:plain').compression, 'off');
  assert.throws(() => parseContender('theirs'), /expected a contender/);
});
