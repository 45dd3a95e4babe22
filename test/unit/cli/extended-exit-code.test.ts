import assert from 'node:assert/strict';
import test from 'node:test';
import { extendedErrorCode, extendedExitCode } from '../../../src/coordinator/run/exit-codes.ts';
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

test('failed users, locked users and success are told apart', () => {
  const ended = (fields: Partial<RunSummary>, exitCode = 1) =>
    extendedExitCode({ exitCode, summary: summary(fields), error: undefined });
  assert.equal(ended({}, 0), 0);
  assert.equal(ended({ failed: 2, locked: 1 }), 2);
  assert.equal(ended({ locked: 1 }, 0), 3);
});

test('why a run could not go on is told apart, and a stop by signal stays 75', () => {
  const codes = ['HOST_NOT_FOUND', 'CONNECT_FAILED', 'DATABASE_DAMAGED', 'NOT_A_SYNC_SERVER'] as const;
  assert.deepEqual(codes.map(extendedErrorCode), [68, 69, 74, 76]);
  assert.equal(extendedErrorCode('AUTHENTICATION_FAILED'), 77);
  assert.deepEqual(
    (['USAGE', 'CONFIG', 'SYNC_HOST_NOT_DEFINED', 'BUG'] as const).map(extendedErrorCode),
    [64, 78, 70, 1],
  );
  assert.equal(extendedExitCode({ exitCode: 75, summary: summary({ failed: 1 }), error: undefined }), 75);
});
