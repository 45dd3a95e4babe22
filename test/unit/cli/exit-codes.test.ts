import assert from 'node:assert/strict';
import test from 'node:test';
import {
  exitCodeOfCommand,
  exitCodeOfComparison,
  exitCodeOfRun,
  extendedErrorCode,
  type RunEnd,
} from '../../../src/coordinator/run/exit-codes.ts';
import type { RunSummary } from '../../../src/report/events.ts';

const summary = (fields: Partial<RunSummary> = {}): RunSummary => ({
  synced: 1,
  absent: 0,
  locked: 0,
  failed: 0,
  unmatched: 0,
  unreached: [],
  allFound: true,
  messagesUploaded: 0,
  octetsUploaded: 0,
  mailboxesUpdated: 0,
  elapsedMs: 0,
  connections: { most: 1, why: 'jobs' },
  failures: [],
  ...fields,
});

/** All that an end can be, each number with none and some. */
interface Facts {
  failed: number;
  unreached: number;
  allFound: boolean;
  stoppedBy: RunSummary['stoppedBy'];
  unmatched: number;
  locked: number;
  different: number;
  mode: 'all' | 'users';
  error: RunEnd['error'];
}

const NUMBERS = [0, 2];
const STOPS = [undefined, 'signal', 'max-errors', 'max-duration', 'skip'] as const;
const ERRORS = [undefined, { code: 'CONNECT_FAILED' }, { code: 'SYNC_HOST_NOT_DEFINED' }] as const;

function* everyEnd(): Generator<Facts> {
  for (const failed of NUMBERS)
    for (const unreached of NUMBERS)
      for (const allFound of [true, false])
        for (const stoppedBy of STOPS)
          for (const unmatched of NUMBERS)
            for (const locked of NUMBERS)
              for (const different of NUMBERS)
                for (const mode of ['all', 'users'] as const)
                  for (const error of ERRORS)
                    yield {
                      failed,
                      unreached,
                      allFound,
                      stoppedBy,
                      unmatched,
                      locked,
                      different,
                      mode,
                      error,
                    };
}

function endOf({ failed, unreached, allFound, stoppedBy, unmatched, locked, mode, error }: Facts): RunEnd {
  const users = Array.from({ length: unreached }, (_, index) => ({ user: `u${index}` }));
  const told = summary({ failed, unreached: users, allFound, stoppedBy, unmatched, locked });
  return { exitCode: exitCodeOfRun(mode, told, error), summary: told, error };
}

function shown(facts: Facts): string {
  return JSON.stringify(facts);
}

test('each extended code says what is so, of every end that a run can have', () => {
  for (const facts of everyEnd()) {
    const { failed, unreached, allFound, stoppedBy, unmatched, locked, different, error } = facts;
    const code = exitCodeOfCommand(endOf(facts), different, 'extended');
    const isAll = unreached === 0 && allFound;
    const isWell = failed === 0 && different === 0;
    const said: Record<number, boolean> = {
      0: isWell && isAll && unmatched === 0 && locked === 0,
      1: different > 0 || (failed > 0 && !isAll),
      2: failed > 0 && isAll && different === 0,
      3: isWell && isAll && locked > 0 && unmatched === 0,
      67: isWell && isAll && unmatched > 0,
      75: stoppedBy === 'signal' || (isWell && !isAll),
    };
    if (error && stoppedBy !== 'signal') assert.equal(code, extendedErrorCode(error.code), shown(facts));
    else assert.ok(said[code], `${code} of ${shown(facts)}`);
    if (stoppedBy === 'signal') assert.equal(code, 75, shown(facts));
  }
});

test('each code of the C client says what is so, of every end that a run can have', () => {
  for (const facts of everyEnd()) {
    const { failed, unreached, allFound, stoppedBy, locked, different, mode, error } = facts;
    const code = exitCodeOfCommand(endOf(facts), different, 'classic');
    const isAll = unreached === 0 && allFound;
    const isWell = failed === 0 && different === 0 && (locked === 0 || mode === 'all');
    const expected = {
      ...(stoppedBy === 'signal' && { code: 75 }),
      ...(stoppedBy !== 'signal' && error && { code: error.code === 'CONNECT_FAILED' ? 1 : 70 }),
    };
    assert.equal(code, expected.code ?? (isWell ? (isAll ? 0 : 75) : 1), shown(facts));
  }
});

test('each code of a comparison says what is so, of every end that it can have', () => {
  for (const facts of everyEnd()) {
    const { failed, unreached, allFound, stoppedBy, unmatched, locked, different, error } = facts;
    for (const changing of NUMBERS)
      for (const notListed of [false, true]) {
        const verdicts = { proven: 1, repaired: 0, different, changing };
        const end = endOf(facts);
        const code = exitCodeOfComparison(end, verdicts, notListed);
        const isTold = failed + locked + unmatched + changing === 0 && !notListed;
        const isAll = unreached === 0 && allFound;
        if (stoppedBy === 'signal') assert.equal(code, 75, shown(facts));
        else if (error) assert.equal(code, end.exitCode, shown(facts));
        else if (different > 0) assert.equal(code, 2, shown(facts));
        else if (code === 75) assert.ok(!isAll && failed === 0, shown(facts));
        else assert.equal(code, isTold ? 0 : 3, shown(facts));
        if (code === 0) assert.ok(isAll, shown(facts));
      }
  }
});

test('the ends that differ by one thing have the codes that the manual lists', () => {
  const end: Facts = {
    ...{ failed: 0, unreached: 0, allFound: true, stoppedBy: undefined, unmatched: 0, locked: 0 },
    ...{ different: 0, mode: 'all', error: undefined },
  };
  const table: [facts: Partial<Facts>, classic: number, extended: number][] = [
    [{}, 0, 0],
    [{ failed: 2 }, 1, 2],
    [{ failed: 2, locked: 1 }, 1, 2],
    [{ failed: 2, unmatched: 1 }, 1, 2],
    [{ failed: 2, unreached: 1, stoppedBy: 'max-errors' }, 1, 1],
    [{ failed: 1, unreached: 1, stoppedBy: 'max-duration' }, 1, 1],
    [{ failed: 1, unreached: 1, stoppedBy: 'skip' }, 1, 1],
    [{ failed: 2, allFound: false, stoppedBy: 'max-errors' }, 1, 1],
    [{ failed: 2, stoppedBy: 'max-errors' }, 1, 2],
    [{ locked: 1 }, 0, 3],
    [{ locked: 1, mode: 'users' }, 1, 3],
    [{ unmatched: 1 }, 0, 67],
    [{ unmatched: 1, locked: 1 }, 0, 67],
    [{ unreached: 1, stoppedBy: 'max-duration' }, 75, 75],
    [{ unreached: 1, stoppedBy: 'max-duration', locked: 1, mode: 'users' }, 1, 75],
    [{ unreached: 1, stoppedBy: 'skip', unmatched: 1 }, 75, 75],
    [{ stoppedBy: 'max-duration' }, 0, 0],
    [{ different: 1 }, 1, 1],
    [{ different: 1, unmatched: 1 }, 1, 1],
    [{ different: 1, locked: 1 }, 1, 1],
    [{ different: 1, failed: 1 }, 1, 1],
    [{ different: 1, unreached: 1, stoppedBy: 'max-duration' }, 1, 1],
    [{ different: 1, failed: 1, stoppedBy: 'signal' }, 75, 75],
    [{ failed: 1, error: { code: 'CONNECT_FAILED' } }, 1, 69],
  ];
  for (const [fields, classic, extended] of table) {
    const facts = { ...end, ...fields };
    const codes = (['classic', 'extended'] as const).map((set) =>
      exitCodeOfCommand(endOf(facts), facts.different, set),
    );
    assert.deepEqual(codes, [classic, extended], shown(facts));
  }
});

test('why a run could not go on is told apart', () => {
  const codes = ['HOST_NOT_FOUND', 'CONNECT_FAILED', 'DATABASE_DAMAGED', 'NOT_A_SYNC_SERVER'] as const;
  assert.deepEqual(codes.map(extendedErrorCode), [68, 69, 74, 76]);
  assert.equal(extendedErrorCode('AUTHENTICATION_FAILED'), 77);
  assert.deepEqual(
    (['USAGE', 'CONFIG', 'SYNC_HOST_NOT_DEFINED', 'BUG'] as const).map(extendedErrorCode),
    [64, 78, 70, 1],
  );
});
