import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const merge = fileURLToPath(new URL('../../../src/replicate/merge', import.meta.url));

test('a merge tells the master a mailbox in one place alone, which looks at what the replica said', () => {
  const calls = readdirSync(merge).flatMap((file) => {
    const found = readFileSync(join(merge, file), 'utf8').matchAll(/([\w.]+)\.applyMailbox\(/g);
    return [...found].map(([, session]) => `${file}: ${session}`);
  });
  assert.deepEqual(calls.sort(), [
    // The first two are the replica.
    'apply-merge.ts: session',
    'confirm-agreement.ts: context.session',
    'tell-master.ts: session',
  ]);
});
