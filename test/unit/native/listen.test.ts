import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { closeDescriptor, listenUnix } from '../../../src/native/listen-unix.ts';

test('a socket that cannot be made says which call failed, where, and the name that the system gives to the reason', () => {
  const directory = mkdtempSync(join(tmpdir(), 'listen-'));
  try {
    closeDescriptor(listenUnix(join(directory, 'socket')));
    const taken = join(directory, 'socket');
    assert.throws(() => listenUnix(taken), { code: 'IO', message: `${taken}: bind failed: EADDRINUSE` });
    const open = readdirSync('/proc/self/fd').length;
    const nowhere = join(directory, 'none', 'socket');
    assert.throws(() => listenUnix(nowhere), { code: 'IO', message: `${nowhere}: bind failed: ENOENT` });
    assert.equal(readdirSync('/proc/self/fd').length, open, 'a descriptor was left open');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
