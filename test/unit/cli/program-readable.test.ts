import assert from 'node:assert/strict';
import test from 'node:test';
import { checkProgramReadable } from '../../../src/cli/start/check-program-readable.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

test('a program that the Cyrus user cannot read is said to be that, with the user and what to do', () => {
  const denied = (): never => {
    throw Object.assign(new Error("EACCES: permission denied, access '/root/main.js'"), {
      syscall: 'access',
    });
  };
  assert.throws(
    () => checkProgramReadable('cyrus', '/root/main.js', denied),
    (error) =>
      error instanceof SyncError &&
      error.code === 'CONFIG' &&
      /cannot be read by cyrus: .*\/root\/main\.js/.test(error.message) &&
      /umask 022/.test(error.hint ?? ''),
  );
  checkProgramReadable('cyrus');
});
