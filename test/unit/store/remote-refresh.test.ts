import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import type { MasterSession, ReplicaMailbox, ReplicaUser } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MasterStore } from '../../../src/store/master-store.ts';
import { openRemoteStore, type RemoteParts } from '../../../src/store/remote/open-remote-store.ts';
import { entry, record, remoteOf, state } from '../../lab/engine-fakes.ts';
import { RULES } from '../../lab/store-served-by.ts';

const line = (name: string, lastUid = 0): ReplicaMailbox =>
  remoteOf(entry(name, { userid: undefined }), state({ lastUid }));

/** A server with these mailboxes, and what it is asked, without blanks. */
function server(
  names: readonly string[],
  {
    sieveMailbox = true,
    answers = {},
    parts = {},
  }: { sieveMailbox?: boolean; answers?: Partial<MasterSession>; parts?: Partial<RemoteParts> } = {},
) {
  const asked: string[] = [];
  const has = new Map(names.map((name) => [name, line(name, 7)]));
  const found = (wanted: readonly string[]): ReplicaMailbox[] =>
    wanted.flatMap((name) => structuredClone(has.get(name)) ?? []);
  const user: ReplicaUser = { mailboxes: [], quotas: [], seen: [], subscriptions: [], sieve: [] };
  const session = {
    info: { server: 'master.example', sieveMailbox },
    broken: false,
    exit: async () => undefined,
    noop: async () => void asked.push('NOOP'),
    getUser: async (userid: string) => {
      asked.push(`USER ${userid}`);
      const own = new RegExp(`^(?:DELETED\\.)?user\\.${userid}(?:\\.|$)`);
      return { ...user, mailboxes: found([...has.keys()].filter((name) => own.test(name))) };
    },
    getMeta: async (userid: string) => {
      asked.push(`META ${userid}`);
      return { ...user, subscriptions: [`user.${userid}.x`] };
    },
    getMailboxes: async (wanted: readonly string[]) => {
      asked.push(`MAILBOXES ${wanted.join(' ')}`.trim());
      return found(wanted);
    },
    getUniqueids: async (wanted: readonly string[]) => {
      asked.push(`UNIQUEIDS ${wanted.join(' ')}`.trim());
      return [...has.values()].filter(({ uniqueid }) => wanted.includes(uniqueid));
    },
    applyUnsieve: async (userid: string) => {
      asked.push(`UNSIEVE ${userid}`);
      throw new SyncError('IMAP_MAILBOX_NONEXISTENT', 'no such script', { family: 'refused' });
    },
    ...answers,
  } as unknown as MasterSession;
  const store = openRemoteStore({
    rules: RULES,
    mayWrite: true,
    sieveFolder: '#sieve',
    connect: async () => session,
    list: async () => false,
    mostSessions: 1,
    temporaryDirectory: tmpdir(),
    locks: { trySyncLock: () => undefined, tryQuotaRootLock: () => undefined },
    ...parts,
  });
  return { store, asked, has };
}

const named = (store: MasterStore, userid: string): string[] =>
  store.mailboxesOf(userid).map(({ name }) => name);

test('whoever asks for a name asks for what it is below, each name once', async () => {
  const { store, asked } = server(['user.anna', 'user.anna.a.b', 'shared.x']);
  await store.refresh({ names: ['user.anna.a.b', 'user.anna.a', 'shared.x', 'top'] });
  const [names = '', uniqueids] = asked;
  const [, ...wanted] = names.split(' ');
  assert.deepEqual(wanted.toSorted(), [
    'shared',
    'shared.x',
    'top',
    'user',
    'user.anna',
    'user.anna.a',
    'user.anna.a.b',
  ]);
  assert.equal(uniqueids, 'UNIQUEIDS');
  assert.equal(asked.length, 2, 'and no more');
  assert.equal(store.lookup('user.anna.a.b')?.userid, 'anna');
  for (const name of ['user.anna.a', 'shared', 'top']) assert.equal(store.lookup(name), undefined, name);
});

test('what is above the mailboxes of a user is known with them, live or deleted', async () => {
  const { store, asked } = server(['user.anna', 'user.anna.#sieve', 'DELETED.user.anna.a.6B04D978']);
  await store.refresh({ users: ['anna'] });
  assert.deepEqual(named(store, 'anna'), ['user.anna', 'user.anna.#sieve', 'DELETED.user.anna.a.6B04D978']);
  for (const name of ['user', 'DELETED', 'DELETED.user', 'DELETED.user.anna'])
    assert.equal(store.lookup(name), undefined, name);
  assert.ok(!asked.includes('NOOP'));
});

test('a server of which nothing is asked says whether it answers', async () => {
  const refusal = new SyncError('IMAP_REMOTE_DENIED', 'not for you', { family: 'refused' });
  const { store, asked } = server(['user.anna']);
  await store.refresh({});
  await store.refresh({ uniqueids: ['id'] });
  assert.equal(asked.filter((each) => each === 'NOOP').length, 2);
  const refusing = server([], { answers: { noop: () => Promise.reject(refusal) } });
  await assert.rejects(refusing.store.refresh({}), { code: 'IMAP_REMOTE_DENIED' });
});

test('a uniqueid is asked for until it is known, of a server that can find it', async () => {
  const { store, asked } = server(['user.anna']);
  const uniqueids = ['id-user.anna', 'id-none', 'id-none'];
  await store.refresh({ uniqueids });
  assert.ok(asked.includes('UNIQUEIDS id-user.anna id-none'));
  assert.equal(store.lookupUniqueid('id-user.anna')?.name, 'user.anna');
  assert.equal(store.lookupUniqueid('id-none'), undefined);
  assert.throws(() => store.lookupUniqueid('id-other'), { code: 'BUG' });
  asked.length = 0;
  await store.refresh({ uniqueids });
  assert.deepEqual(
    asked.filter((each) => each.startsWith('UNIQUEIDS')),
    ['UNIQUEIDS'],
  );
});

test('a server that finds no uniqueids is not asked for any, and one that it did not tell of is not there', async () => {
  const { store, asked } = server(['user.anna'], { sieveMailbox: false });
  await store.refresh({ names: ['user.anna'], uniqueids: ['id-user.anna', 'id-other'] });
  assert.ok(!asked.some((each) => each.startsWith('UNIQUEIDS')));
  assert.equal(store.lookupUniqueid('id-user.anna')?.name, 'user.anna');
  assert.equal(store.lookupUniqueid('id-other'), undefined);
});

test('a mailbox that is told among those of another user is refused by its name', async () => {
  const answers: Partial<MasterSession> = {
    getUser: async () => ({
      mailboxes: [line('user.anna'), line('user.bert.a')],
      quotas: [],
      seen: [],
      subscriptions: [],
      sieve: [],
    }),
  };
  const { store } = server(['user.anna', 'user.anna.#sieve'], { answers });
  await assert.rejects(store.refresh({ users: ['anna'] }), {
    code: 'IMAP_PROTOCOL_ERROR',
    user: 'anna',
    mailbox: 'user.bert.a',
  });
});

test('scripts that may still be files are moved before the user is asked for, where that is allowed', async () => {
  const { store, asked, has } = server(['user.anna'], {
    answers: {
      applyUnsieve: async (userid) => {
        asked.push(`UNSIEVE ${userid}`);
        has.set('user.anna.#sieve', line('user.anna.#sieve'));
      },
    },
  });
  await store.refresh({ users: ['anna'] });
  assert.deepEqual(
    asked.filter((each) => /^U(?:SER|NSIEVE)|#sieve/.test(each)),
    [
      'MAILBOXES user.anna user.anna.#sieve',
      'UNSIEVE anna',
      'MAILBOXES user.anna user.anna.#sieve',
      'USER anna',
    ],
  );
  assert.deepEqual(named(store, 'anna'), ['user.anna', 'user.anna.#sieve']);
  assert.deepEqual(store.scriptFiles('anna'), { source: 'none', scripts: [], active: undefined });
});

test('a user who has a mailbox of scripts, or none at all, has none that are files', async () => {
  for (const names of [['user.anna', 'user.anna.#sieve'], ['user.anna.#sieve'], []]) {
    const { store, asked } = server(names);
    await store.refresh({ users: ['anna'] });
    assert.ok(asked.includes('USER anna'));
    assert.ok(!asked.includes('UNSIEVE anna'));
    assert.deepEqual(named(store, 'anna'), names);
  }
});

test('a user whose scripts cannot be moved is listed by IMAP, and not read at all where nothing lists', async () => {
  for (const mayWrite of [true, false]) {
    const list: RemoteParts['list'] = async (patterns, take) => {
      for (const pattern of patterns('/'))
        if (pattern === 'user/anna/*') take({ name: 'user/anna/a', separator: '/', exists: true });
      return true;
    };
    const { store, asked } = server(['user.anna', 'user.anna.a'], { parts: { mayWrite, list } });
    await store.refresh({ users: ['anna'] });
    assert.deepEqual(named(store, 'anna'), ['user.anna', 'user.anna.a']);
    assert.deepEqual(store.subscriptions('anna'), ['user.anna.x']);
    assert.equal(asked.includes('UNSIEVE anna'), mayWrite);
    assert.ok(asked.includes('META anna') && !asked.includes('USER anna'));
    const silent = server(['user.anna'], { parts: { mayWrite } });
    await assert.rejects(silent.store.refresh({ users: ['anna'] }), {
      code: 'CONFLICT',
      user: 'anna',
      message: /master\.example/,
    });
    assert.ok(!silent.asked.includes('USER anna'));
  }
});

test('a link that breaks while scripts are moved is not taken for a refusal', async () => {
  const broken = new SyncError('LINK_BROKEN', 'gone', { family: 'link' });
  const { store, asked } = server(['user.anna'], { answers: { applyUnsieve: () => Promise.reject(broken) } });
  await assert.rejects(store.refresh({ users: ['anna'] }), { code: 'LINK_BROKEN' });
  assert.ok(!asked.includes('USER anna'));
});

test('of a server without a mailbox of scripts each script is fetched, and one of them is active', async () => {
  const guid = 'ab'.repeat(20);
  const sieve = [
    { filename: 'a.script', lastUpdate: 5, guid, active: false },
    { filename: 'b.script', lastUpdate: 6, guid, active: false },
    { filename: 'b.bc', lastUpdate: 6, guid, active: true },
  ];
  const { store } = server(['user.anna'], {
    sieveMailbox: false,
    answers: {
      getUser: async () => ({
        mailboxes: [line('user.anna')],
        quotas: [],
        seen: [],
        subscriptions: ['user.bert'],
        sieve,
      }),
      fetchScript: async (userid, filename) => Buffer.from(`${filename} of ${userid}`),
    },
  });
  await store.refresh({ users: ['anna'] });
  const scripts = {
    source: 'directory',
    scripts: [
      { filename: 'a.script', lastUpdate: 5, guid, content: Buffer.from('a.script of anna') },
      { filename: 'b.script', lastUpdate: 6, guid, content: Buffer.from('b.script of anna') },
    ],
    active: 'b.bc',
  };
  assert.deepEqual(await store.sieve('anna'), scripts);
  assert.deepEqual(store.scriptFiles('anna'), scripts);
  assert.deepEqual(store.subscriptions('anna'), ['user.bert']);
});

test('an estimate is what UIDs were given, until the mailbox has been read', async () => {
  const { store } = server(['user.anna', 'user.anna.#sieve'], {
    answers: {
      getFullMailbox: async (name, onRecord) => {
        onRecord(record(1, 1));
        onRecord(record(3, 1));
        return line(name, 7);
      },
    },
  });
  await store.refresh({ users: ['anna'] });
  const [inbox] = store.mailboxesOf('anna');
  assert.ok(inbox);
  assert.deepEqual(store.estimate('anna'), { mailboxes: 2, messages: 14 });
  assert.deepEqual(store.estimateMailbox(inbox), { mailboxes: 1, messages: 7 });
  assert.deepEqual(store.estimateMailbox({ ...inbox, name: 'user.anna.none' }), {
    mailboxes: 1,
    messages: 0,
  });
  await store.readMailbox('user.anna', () => true);
  assert.deepEqual(store.estimate('anna'), { mailboxes: 2, messages: 9 });
  assert.deepEqual(store.estimateMailbox(inbox), { mailboxes: 1, messages: 2 });
  store.close();
});

test('a look at what was listed tells nothing of another mailbox of its name, or of none', async () => {
  const { store } = server(['user.anna', 'user.anna.#sieve']);
  await store.refresh({ users: ['anna'] });
  const [inbox] = store.mailboxesOf('anna');
  assert.ok(inbox);
  const other = { ...inbox, uniqueid: 'another' };
  const gone = { ...inbox, name: 'user.anna.none' };
  const views = await store.peek([other, inbox, gone]);
  assert.deepEqual([...views.keys()], [inbox]);
  assert.equal(views.get(inbox)?.state.lastUid, 7);
});

test('what a job has asked for is its own, and nothing is said of who was not asked for', async () => {
  const { store } = server(['user.anna', 'user.anna.#sieve']);
  const job = store.forJob();
  await job.refresh({ users: ['anna'] });
  assert.equal(job.mailboxesOf('anna').length, 2);
  for (const ask of [
    () => store.mailboxesOf('anna'),
    () => store.subscriptions('anna'),
    () => store.seen('anna'),
    () => store.scriptFiles('anna'),
    () => job.subscriptions('bert'),
    () => [...job.names('')],
  ])
    assert.throws(ask, { code: 'BUG' });
  await assert.rejects(store.sieve('anna'), { code: 'BUG' });
});

test('everybody stays known until everybody is asked for again', async () => {
  let listed = ['user/anna', 'shared'];
  const list: RemoteParts['list'] = async (patterns, take) => {
    assert.ok([...patterns('/')].length > 0);
    for (const name of listed) take({ name, separator: '/', exists: true });
    return true;
  };
  const { store } = server(['user.anna'], { parts: { list } });
  await store.refresh({ everybody: true });
  const everybody = [
    { kind: 'shared', name: 'shared', messages: 0 },
    { kind: 'user', userid: 'anna', messages: 0 },
  ];
  assert.deepEqual([...store.enumerate()], everybody);
  assert.deepEqual([...store.enumerate('user.')], everybody.slice(1));
  assert.deepEqual([...store.names('sha')], ['shared']);
  listed = ['user/bert'];
  await store.refresh({ names: ['user.anna'] });
  assert.deepEqual([...store.enumerate()], everybody);
  await store.refresh({ everybody: true });
  assert.deepEqual([...store.names('')], ['user.bert']);
});
