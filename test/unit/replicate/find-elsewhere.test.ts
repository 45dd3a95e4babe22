import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { findElsewhere } from '../../../src/replicate/folders/find-elsewhere.ts';
import type { FolderJob } from '../../../src/replicate/folders/folder-job.ts';
import { entry } from '../../lab/engine-fakes.ts';

/** Mailboxes of the job; of `there` the replica has told. @returns uniqueids that are asked for, and whose locks are taken */
async function sought(
  names: readonly string[],
  there: readonly string[],
  { formerNames, moved }: { formerNames: Record<string, string[] | undefined>; moved?: ReadonlySet<string> },
): Promise<{ asked: string[]; locked: string[] }> {
  const asked: string[] = [];
  const locked: string[] = [];
  const context = {
    store: {
      formerNames: (uniqueid: string) => (uniqueid in formerNames ? formerNames[uniqueid] : []),
      ownerOf: (name: string) => name.split('.')[1],
    },
    session: {
      info: { findsUniqueids: true },
      getUniqueids: async (uniqueids: readonly string[]) => {
        asked.push(...uniqueids);
        return uniqueids.map((uniqueid) => ({ uniqueid, name: 'user.bob.old' }));
      },
    },
  } as unknown as EngineContext;
  const job = {
    entries: names.map((name) => entry(name)),
    replica: there.map((name) => ({ name, uniqueid: `id-${name}` })),
    moved,
    locks: { take: (owner: string) => void locked.push(owner) },
  } as unknown as FolderJob;
  await findElsewhere(context, job);
  return { asked, locked };
}

const NAMES = ['user.anna', 'user.anna.a', 'user.anna.b', 'user.anna.c', 'user.anna.d'];

test('asked for is what the replica has not told of and was called otherwise before, once or more often, or may have been', async () => {
  const formerNames = {
    'id-user.anna.a': ['user.bob.a'],
    'id-user.anna.b': ['user.bob.b', 'user.bob.old'],
    'id-user.anna.c': undefined,
  };
  assert.deepEqual(await sought(NAMES, ['user.anna'], { formerNames }), {
    asked: ['id-user.anna.a', 'id-user.anna.b', 'id-user.anna.c'],
    locked: ['bob', 'bob', 'bob'],
  });
});

test('what the replica has told of is not asked for, whatever it was called', async () => {
  const formerNames = { 'id-user.anna.a': ['user.bob.a'] };
  assert.deepEqual((await sought(NAMES, NAMES, { formerNames })).asked, []);
});

test('where the replica has refused names as moved, all that it has not told of is asked for', async () => {
  const moved = new Set(['user.anna.d']);
  assert.deepEqual((await sought(NAMES, NAMES.slice(0, 3), { formerNames: {}, moved })).asked, [
    'id-user.anna.c',
    'id-user.anna.d',
  ]);
});

/** The way to ask a replica that may end at a uniqueid that it does not have. */
async function soughtCarefully(
  moved: readonly string[],
  replica: readonly string[],
): Promise<{ asked: string[]; users: string[]; found: string[] }> {
  const asked: string[] = [];
  const users: string[] = [];
  const there = (name: string, uniqueid: string) => ({ name, uniqueid });
  const context = {
    store: { formerNames: () => undefined, ownerOf: (name: string) => name.split('.')[1] },
    session: {
      info: { findsUniqueids: false },
      getUniqueids: async (uniqueids: readonly string[]) => {
        asked.push(...uniqueids);
        return uniqueids.map((uniqueid) => there('user.bob.first', uniqueid));
      },
      getUser: async (userid: string) => {
        users.push(userid);
        const mailboxes = [
          there('user.bob.first', 'id-user.anna.a'),
          there('user.bob.second', 'id-user.anna.b'),
          there('user.bob.own', 'id-user.bob.own'),
        ];
        return { mailboxes };
      },
    },
  } as unknown as EngineContext;
  const job = {
    entries: ['user.anna.a', 'user.anna.b'].map((name) => entry(name)),
    replica: replica.map((name) => there(name, 'another')),
    moved: new Set(moved),
    locks: { take: () => undefined },
  } as unknown as FolderJob;
  const found = (await findElsewhere(context, job)).map(({ name }) => name);
  return { asked, users, found };
}

test('a replica that may end at a uniqueid is asked for what it has refused as moved alone, and for all of whoever has that', async () => {
  assert.deepEqual(await soughtCarefully(['user.anna.a'], []), {
    asked: ['id-user.anna.a'],
    users: ['bob'],
    found: ['user.bob.first', 'user.bob.second'],
  });
});

test('where it has refused nothing, or has another mailbox by that name, it is asked nothing', async () => {
  const nothing = { asked: [], users: [], found: [] };
  assert.deepEqual(await soughtCarefully([], []), nothing);
  assert.deepEqual(await soughtCarefully(['user.anna.a'], ['user.anna.a']), nothing);
});
