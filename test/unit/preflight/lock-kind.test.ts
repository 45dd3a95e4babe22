import assert from 'node:assert/strict';
import test from 'node:test';
import { heldKinds } from '../../../src/preflight/check-lock-kind.ts';

const LOCKS = `1: POSIX  ADVISORY  WRITE 1234 00:1a:5678 0 EOF
1: -> POSIX  ADVISORY  WRITE 1300 00:1a:5678 0 EOF
2: FLOCK  ADVISORY  READ 77 fe:01:42 0 EOF
3: OFDLCK ADVISORY  READ -1 00:1a:99 0 EOF
4: LEASE  ACTIVE    READ 5 00:1a:7 0 EOF
`;

test('the kind of a lock is told by the file that it is on, and our own locks tell nothing', () => {
  const kinds = (...files: string[]) => [...heldKinds(LOCKS, new Set(files))];
  assert.deepEqual(kinds('00:1a:5678'), ['fcntl']);
  assert.deepEqual(kinds('fe:01:42'), ['flock']);
  assert.deepEqual(kinds('00:1a:99', '00:1a:7', '00:1a:1'), []);
  assert.deepEqual([...heldKinds('', new Set(['00:1a:5678']))], []);
});
