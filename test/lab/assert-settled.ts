import assert from 'node:assert/strict';
import type { Pair } from './cyrus-server.ts';

/** The C client, run for one user alone, finds nothing to do. */
export async function assertSettled(pair: Pair, user: string): Promise<void> {
  const { stdout, code, stderr } = await pair.master.run('sync_client', ['-o', '-v', '-u', user]);
  assert.equal(code, 0, stderr);
  const done = stdout
    .trim()
    .split('\n')
    // Since 3.10 it also says of which mailboxes it asks.
    .filter((line) => !/^(ENABLE|USER|MAILBOXES) /.test(line));
  assert.deepEqual(done, []);
}
