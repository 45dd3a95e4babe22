import assert from 'node:assert/strict';
import test from 'node:test';
import { continueInBackground } from '../../../src/cli/start/continue-in-background.ts';
import { rejectsWith } from '../../lab/errors.ts';

test('whoever cannot go on in the background says so, and does not end as if all were well', async () => {
  const { execPath } = process;
  process.execPath = '/nowhere/node';
  try {
    const error = await rejectsWith(
      continueInBackground([], {}),
      'IO',
      /^the process in the background cannot be started: spawn \/nowhere\/node ENOENT$/,
    );
    assert.match(error.hint ?? '', /-R/);
  } finally {
    process.execPath = execPath;
  }
});
