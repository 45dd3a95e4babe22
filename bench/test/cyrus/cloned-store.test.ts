import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { appliedCommands, sentCommands } from '../../../test/lab/assert-same-mail.ts';
import { CyrusServer, giveToCyrus, replicaSettings } from '../../../test/lab/cyrus-server.ts';
import { clonedStore } from '../../cloned-store.ts';

test('copies of a mailbox are mailboxes to Cyrus: read without complaint, and alike at both ends', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'bench-clones-'));
  giveToCyrus(cache);
  // Where its server is made, as the store is renamed into the cache.
  process.env.TMPDIR = cache;
  try {
    const spec = { kind: 'clones', users: 3, mailboxes: 2 } as const;
    const { directory, mailboxes, messages, users } = await clonedStore(spec, cache, () => undefined);
    assert.deepEqual({ mailboxes, messages, users: users.length }, { mailboxes: 6, messages: 12, users: 3 });
    await using replica = await CyrusServer.start('replica', { store: directory });
    const imapd = replicaSettings(replica);
    await using master = await CyrusServer.prepare('master', { store: directory, imapd });
    const { stderr, code } = await master.run('sync_client', ['-v', '-v', '-A']);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /mismatch|IOERROR|SYNCERROR/);
    assert.deepEqual(appliedCommands(stderr), []);
    assert.equal(sentCommands(stderr).filter((line) => line.startsWith('GET USER')).length, 3);
  } finally {
    await rm(cache, { recursive: true });
  }
});
