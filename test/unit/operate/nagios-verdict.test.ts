import assert from 'node:assert/strict';
import test from 'node:test';
import { type AskedRun, nagiosVerdict } from '../../../src/operate/state/nagios-verdict.ts';
import { error, found, opened, settled, stateOf, told } from './run-events.ts';

const thresholds = { warningSeconds: 300, criticalSeconds: 900 };

const channel = (changes: Partial<NonNullable<AskedRun['backlog']>> = {}, name = 'offsite'): AskedRun => ({
  name,
  view: told([opened()], stateOf(true)).view(2_000),
  backlog: { lines: 0, oldestMs: undefined, link: 'up', ...changes },
});

test('a channel is judged by how far behind it is, and by whether the replica is there', () => {
  const codes: [Parameters<typeof channel>[0], number, RegExp][] = [
    [{}, 0, /^CYRUS-SYNC OK - offsite: 0 s behind, 0 lines \(idle\) \| 'offsite behind'=0\.0s;300;900;0/],
    [{ lines: 3, oldestMs: 299_000 }, 0, /OK/],
    [{ lines: 3, oldestMs: 300_000 }, 1, /WARNING - offsite: 300 s behind, 3 lines/],
    [{ lines: 3, oldestMs: 900_000 }, 2, /CRITICAL/],
    [{ link: 'down' }, 2, /CRITICAL - offsite: the replica cannot be reached/],
  ];
  for (const [changes, code, says] of codes) {
    const { exitCode, line } = nagiosVerdict([channel(changes)], thresholds);
    assert.equal(exitCode, code, line);
    assert.match(line, says);
  }
});

test('who is in quarantine, has failed or does not answer is told; without any run nothing is known', () => {
  const quarantined = told(
    [{ kind: 'rolling:quarantined', channel: 'x', user: 'a', failures: 5, delayMs: 1, error }],
    stateOf(true),
  ).view(2_000);
  assert.equal(nagiosVerdict([{ ...channel(), view: quarantined }], thresholds).exitCode, 1);
  const failed = told([opened(), found(2, 10), settled('a', 'failed')]).view(4_000);
  const run = { name: 'run-17', view: failed, backlog: undefined };
  assert.match(nagiosVerdict([run], thresholds).line, /WARNING - run-17: 1 users failed \| 'run-17 left'=1/);
  assert.equal(nagiosVerdict([{ name: 'x', view: undefined, backlog: undefined }], thresholds).exitCode, 2);
  assert.equal(nagiosVerdict([], thresholds).exitCode, 3);
});

test('of several the worst comes first, and no name makes a figure or a line of its own', () => {
  const { exitCode, line } = nagiosVerdict(
    [channel(), channel({ lines: 1, oldestMs: 400_000 }, "a|b'=c\n")],
    thresholds,
  );
  assert.equal(exitCode, 1);
  assert.match(line, /^CYRUS-SYNC WARNING - a\/b__c[^|\n]*: 400 s behind[^|]*; offsite: [^|]*\| [^|\n]*$/);
});

test('a run that is beginning or ending is no alarm, and hides none', () => {
  const between: AskedRun = { name: 'run-17', view: 'beginning or ending', backlog: undefined };
  assert.deepEqual(nagiosVerdict([between], thresholds), {
    exitCode: 0,
    line: 'CYRUS-SYNC OK - run-17: beginning or ending',
  });
  const dead = { name: 'offsite', view: undefined, backlog: undefined };
  assert.equal(nagiosVerdict([between, dead], thresholds).exitCode, 2);
});
