import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession, ReplicaUser } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import { sendScripts } from '../../../src/replicate/user-data/script-files.ts';
import type { MailboxEntry, MasterStore, SieveState } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const script = { filename: 'first.script', lastUpdate: 1, guid: 'a'.repeat(40), active: false };
const there = remoteOf(entry('user.alice.#sieve', { type: 'f' }), state());
const NO_FILES: SieveState = { source: 'directory', scripts: [], active: undefined };
const replica: ReplicaUser = { mailboxes: [there], quotas: [], seen: [], subscriptions: [], sieve: [script] };

/** The filenames that are removed from the replica, for a master whose sieve directory holds no scripts. */
async function removed(lookupUniqueid: MasterStore['lookupUniqueid']): Promise<string[]> {
  const names: string[] = [];
  const scripts: Partial<ReplicaSession> = {
    window: async () => {},
    getMeta: async () => replica,
    applyUnsieve: async (_userid, filename) => void names.push(filename),
  };
  const store: Partial<MasterStore> = {
    inboxName: (userid) => `user.${userid}`,
    lookup: () => undefined,
    lookupUniqueid,
    sieve: async () => NO_FILES,
    scriptFiles: () => NO_FILES,
  };
  const context = {
    store,
    session: { info: { sieveMailbox: true } },
    scripts: { connect: async () => scripts },
    options: { sieveFolder: '#sieve' },
    emit: () => {},
  } as unknown as EngineContext;
  await sendScripts(context, 'alice', replica, new Failures('alice'));
  return names;
}

test('the last script removed on a master that keeps them as files is removed from the replica', async () => {
  assert.deepEqual(await removed(() => undefined), ['first.script']);
});

// Cyrus renames a user mailbox by mailbox: for a moment INBOX is still there and #sieve is not.
test('scripts of a user who is just being renamed are left alone', async () => {
  const moved = (uniqueid: string): MailboxEntry | undefined =>
    uniqueid === there.uniqueid ? entry('user.bob.#sieve', { uniqueid }) : undefined;
  assert.deepEqual(await removed(moved), []);
});
