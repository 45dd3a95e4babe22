import assert from 'node:assert/strict';
import test from 'node:test';
import type { MasterSession, ReplicaMailbox } from '../../../src/protocol/replica-session.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';
import { RULES, storeServedBy } from '../../lab/store-served-by.ts';

const USERS = 2_500;

test('names that a list of domains may have passed over are asked for in commands of a bounded size, each once', async () => {
  await using scene = await EngineScene.start();
  const users = Array.from({ length: USERS }, (_, i) => `u${String(i).padStart(4, '0')}`);
  const commands: (readonly string[])[] = [];
  const line = (name: string): ReplicaMailbox =>
    remoteOf(entry(name, { type: name.endsWith('7') ? 'i' : '' }), state());
  const through = (session: MasterSession): MasterSession =>
    inPlaceOf(session, {
      getMailboxes: async (names: readonly string[]) => {
        if (names.length > 0) commands.push(names);
        return names.filter((name) => !name.endsWith('3')).map(line);
      },
    });
  const store = storeServedBy(
    scene,
    {
      rules: { ...RULES, virtdomains: 'userid' },
      list: async (patterns, take) => {
        if (![...patterns('/')].includes('*@*')) return true;
        for (const user of users)
          take({ name: `user/${user}/Sent@example.org`, separator: '/', exists: true });
        return true;
      },
    },
    through,
  );
  await store.refresh({ everybody: true });
  const listed = commands.filter(([first = '']) => first.startsWith('user.u'));
  assert.deepEqual(
    listed.map(({ length }) => length),
    [1_000, 1_000, 500],
  );
  assert.deepEqual(
    listed.flat().sort(),
    users.map((user) => `user.${user}`),
  );
  // A mailbox is what the server tells of, unless it tells that there is none.
  assert.deepEqual(
    [...store.enumerate()],
    users.filter((user) => !/[37]$/.test(user)).map((userid) => ({ kind: 'user', userid, messages: 0 })),
  );
  store.close();
});
