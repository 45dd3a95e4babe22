import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaMailbox } from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { RenameStep } from '../../../src/replicate/folders/give-up-names.ts';
import { scriptRenames } from '../../../src/replicate/folders/script-renames.ts';
import type { MailboxEntry, SieveState } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const INBOX: RenameStep = {
  kind: 'rename',
  oldName: 'user.anna',
  newName: 'user.berta',
  partition: 'default',
  uidvalidity: 7,
};
const sieveOf = (user: string, uniqueid = `sieve-of-${user}`): ReplicaMailbox =>
  remoteOf(entry(`user.${user}.#sieve`, { type: 'f', uniqueid }), state());

interface Sides {
  there?: ReplicaMailbox[];
  source?: SieveState['source'];
  /** The master's mailboxes besides. */
  here?: MailboxEntry[];
  sieveMailbox?: boolean;
}

/** The names of the renames for anna's INBOX, which has become berta's. */
async function renames({
  there = [sieveOf('anna')],
  source = 'directory',
  here = [],
  sieveMailbox = true,
}: Sides) {
  let known: readonly string[] = [];
  const context = {
    store: {
      ownerOf: (name: string) => name.split('.')[1],
      inboxName: (userid: string) => `user.${userid}`,
      lookup: (name: string) => here.find((each) => each.name === name),
      scriptFiles: () => ({ source, scripts: [], active: undefined }),
      refresh: async ({ uniqueids = [] }: { uniqueids?: readonly string[] }) => {
        known = uniqueids;
      },
      lookupUniqueid: (uniqueid: string) => {
        assert.ok(known.includes(uniqueid), 'asked about before it was refreshed');
        return here.find((each) => each.uniqueid === uniqueid);
      },
    },
    session: {
      info: { sieveMailbox },
      getMailboxes: async (names: readonly string[]) => there.filter(({ name }) => names.includes(name)),
    },
    options: { sieveFolder: '#sieve' },
  } as unknown as EngineContext;
  return (await scriptRenames(context, [INBOX])).map(({ oldName, newName }) => [oldName, newName]);
}

test('the #sieve that a replica made of script files goes along with the user', async () => {
  assert.deepEqual(await renames({}), [['user.anna.#sieve', 'user.berta.#sieve']]);
});

test('a #sieve is left where it is that the master has a mailbox for, or whose new name is taken', async () => {
  const uniqueid = sieveOf('anna').uniqueid;
  assert.deepEqual(await renames({ here: [entry('user.carl.#sieve', { uniqueid, type: 'f' })] }), []);
  assert.deepEqual(await renames({ here: [entry('user.berta.#sieve', { type: 'f' })] }), []);
  assert.deepEqual(await renames({ there: [sieveOf('anna'), sieveOf('berta')] }), []);
});

test('nothing is renamed where there is no #sieve, or none that was made of files', async () => {
  assert.deepEqual(await renames({ there: [] }), []);
  assert.deepEqual(await renames({ source: 'none' }), []);
  assert.deepEqual(await renames({ sieveMailbox: false }), []);
});
