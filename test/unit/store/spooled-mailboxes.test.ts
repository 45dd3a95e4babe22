import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import test from 'node:test';
import type { MasterSession, ReplicaMailbox, WireRecord } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';
import { MasterSessions } from '../../../src/store/remote/master-sessions.ts';
import { type SpooledMailbox, SpooledMailboxes } from '../../../src/store/remote/spooled-mailboxes.ts';
import { entry, record, remoteOf, state } from '../../lab/engine-fakes.ts';

/** Mailboxes that a server has, and what it is asked. */
class Server {
  readonly has = new Map<string, { line: ReplicaMailbox; records: WireRecord[] }>();
  asked: string[] = [];
  /** Runs before an answer, to change what is there meanwhile. */
  meanwhile: () => Promise<unknown> = async () => undefined;

  put(name: string, records: WireRecord[] = [], fields: Partial<ReplicaMailbox> = {}): void {
    const line = remoteOf(entry(name), state({ lastUid: records.at(-1)?.uid ?? 0 }), fields);
    this.has.set(name, { line, records });
  }

  session(): MasterSession {
    const answers: Pick<MasterSession, 'getMailboxes' | 'getFullMailbox'> = {
      getMailboxes: async (names) => {
        this.asked.push(`line of ${names.join()}`);
        await this.meanwhile();
        return names.flatMap((name) => structuredClone(this.has.get(name)?.line) ?? []);
      },
      getFullMailbox: async (name, onRecord) => {
        this.asked.push(`all of ${name}`);
        const found = this.has.get(name);
        if (!found) throw new SyncError('IMAP_MAILBOX_NONEXISTENT', 'none', { family: 'refused' });
        for (const each of found.records) onRecord(each);
        return structuredClone(found.line);
      },
    };
    return answers as MasterSession;
  }
}

function open(server: Server): SpooledMailboxes {
  return new SpooledMailboxes(new MasterSessions(async () => server.session(), 1), tmpdir());
}

function uidsOf({ records }: SpooledMailbox): number[] {
  return [...records.pages(1)].flatMap((page) => Array.from({ length: page.count }, (_, i) => page.uid(i)));
}

const ONE = [record(1, 5)];
const TWO = [record(1, 5), record(2, 6)];

test('a mailbox is read once, and again when its line has changed', async () => {
  const server = new Server();
  server.put('user.a', ONE);
  using mailboxes = open(server);
  assert.equal(mailboxes.exists('user.a'), undefined);
  assert.deepEqual(await mailboxes.read('user.a', uidsOf), [1]);
  assert.deepEqual(await mailboxes.read('user.a', uidsOf), [1]);
  assert.deepEqual(server.asked, ['all of user.a', 'line of user.a']);
  assert.equal(mailboxes.exists('user.a'), 1);
  server.put('user.a', TWO);
  server.asked = [];
  assert.deepEqual(await mailboxes.read('user.a', uidsOf), [1, 2]);
  assert.deepEqual(server.asked, ['line of user.a', 'all of user.a']);
  assert.equal(mailboxes.exists('user.a'), 2);
});

test('a mailbox that was read this moment is not asked for, one that was never read is', async () => {
  const server = new Server();
  server.put('user.a', ONE);
  using mailboxes = open(server);
  assert.deepEqual(await mailboxes.read('user.a', uidsOf, true), [1]);
  server.put('user.a', TWO);
  assert.deepEqual(await mailboxes.read('user.a', uidsOf, true), [1]);
  assert.deepEqual(server.asked, ['all of user.a']);
});

test('a mailbox that is gone is none, and its records are given up', async () => {
  const server = new Server();
  using mailboxes = open(server);
  assert.equal(await mailboxes.read('user.a', uidsOf), undefined);
  server.put('user.a', ONE);
  const before = await mailboxes.read('user.a', (mailbox) => mailbox);
  server.has.clear();
  server.asked = [];
  assert.equal(await mailboxes.read('user.a', uidsOf), undefined);
  assert.deepEqual(server.asked, ['line of user.a']);
  assert.equal(mailboxes.exists('user.a'), undefined);
  assert.throws(() => before && uidsOf(before), { code: 'BUG' });
  assert.equal(await mailboxes.read('user.a', uidsOf), undefined);
  assert.deepEqual(server.asked, ['line of user.a', 'all of user.a']);
});

test('another error than that there is none is the answer', async () => {
  const server = new Server();
  using mailboxes = open(server);
  const session = server.session();
  session.getFullMailbox = () =>
    Promise.reject(new SyncError('IMAP_MAILBOX_LOCKED', 'locked', { family: 'refused' }));
  server.session = () => session;
  await assert.rejects(mailboxes.read('user.a', uidsOf), { code: 'IMAP_MAILBOX_LOCKED' });
});

test('what another read has put in its place meanwhile is not taken for what the line is of', async () => {
  const server = new Server();
  server.put('user.a', ONE);
  using mailboxes = open(server);
  await mailboxes.read('user.a', uidsOf);
  const { line } = server.has.get('user.a') ?? assert.fail();
  server.put('user.a', TWO, { highestmodseq: 6 });
  server.meanwhile = async () => {
    server.meanwhile = async () => undefined;
    await mailboxes.read('user.a', uidsOf);
    // Its line is the former one again, its records are not.
    server.has.set('user.a', { line, records: TWO });
  };
  assert.deepEqual(await mailboxes.read('user.a', uidsOf), [1, 2]);
});

test('the mailboxes that were read last are kept, so many and no more', async () => {
  const server = new Server();
  using mailboxes = open(server);
  const names = Array.from({ length: 64 }, (_, i) => `user.a.${i}`);
  for (const name of [...names, 'user.b']) server.put(name, ONE);
  for (const name of names) await mailboxes.read(name, uidsOf);
  assert.ok(names.every((name) => mailboxes.exists(name) === 1));
  // The first is the latest again.
  await mailboxes.read('user.a.0', uidsOf);
  await mailboxes.read('user.b', uidsOf);
  assert.deepEqual(
    names.filter((name) => mailboxes.exists(name) === undefined),
    ['user.a.1'],
  );
});

test('messages that are expunged are not counted, and the version of the index is told by the newest field', async () => {
  const server = new Server();
  using mailboxes = open(server);
  const having = (...fields: string[]): IndexRecord['annotations'] =>
    fields.map((name) => ({
      entry: `/vendor/cmu/cyrus-imapd/${name}`,
      userid: '',
      modseq: 0,
      value: '1',
    }));
  const versionOf = (of: WireRecord[]): Promise<number | undefined> => {
    server.put('user.a', of, { highestmodseq: server.asked.length + 1 });
    return mailboxes.read('user.a', ({ indexVersion }) => indexVersion);
  };
  for (const [fields, version] of [
    [[], 12],
    [['comment'], 12],
    [['thrid'], 13],
    [['thrid', 'savedate'], 15],
    [['createdmodseq', 'thrid'], 17],
    [['thrid', 'internaldate.nsec', 'createdmodseq'], 20],
  ] as const) {
    const one = record(1, 1, { annotations: having(...fields) });
    assert.equal(await versionOf([one]), version, fields.join());
    assert.equal(await versionOf([one, record(2, 1)]), version, 'one record is enough');
  }
  assert.equal(await versionOf([]), 12);
  server.put('user.b', [record(1, 1), record(2, 1, { flags: ['\\Seen', '\\Expunged'] }), record(3, 1)]);
  assert.equal(await mailboxes.read('user.b', ({ exists }) => exists), 2);
});

test('nothing is kept once all is given up', async () => {
  const server = new Server();
  server.put('user.a', ONE);
  const mailboxes = open(server);
  const read = await mailboxes.read('user.a', (mailbox) => mailbox);
  mailboxes[Symbol.dispose]();
  assert.equal(mailboxes.exists('user.a'), undefined);
  assert.throws(() => read && uidsOf(read), { code: 'BUG' });
});
