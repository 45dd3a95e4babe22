import assert from 'node:assert/strict';
import { type ErrorCode, type ErrorData, SyncError } from '../../src/report/sync-error.ts';

/** The SyncError that the promise rejects with, and nothing else will do. */
export async function rejection(promise: Promise<unknown>): Promise<ErrorData> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof SyncError, `not a SyncError: ${String(error)}`);
    return error.toData();
  }
  return assert.fail('expected a rejection');
}

export async function rejectsWith(
  promise: Promise<unknown>,
  code: ErrorCode,
  message?: RegExp,
): Promise<ErrorData> {
  const error = await rejection(promise);
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.match(error.message, message);
  return error;
}
