import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { WireMailbox } from '../../../src/protocol/replica-session.ts';
import { emptyMailbox } from '../../../src/replicate/compare/mailbox-line.ts';
import { Partitions } from '../../../src/replicate/connection/partitions.ts';
import { takesMailboxes } from '../../../src/replicate/connection/takes-mailboxes.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

const refusal = new SyncError('IMAP_REMOTE_DENIED', 'MAILBOX received NO response: Unknown error', {
  family: 'refused',
});

/** A replica that takes mailboxes on these partitions, except of names that it has something against. */
class FakeReplica {
  readonly mailboxes = new Map<string, string>();
  readonly sent: string[] = [];
  readonly #partitions: readonly string[];
  readonly #against: RegExp;

  constructor(partitions: readonly string[], against = /^$/) {
    this.#partitions = partitions;
    this.#against = against;
  }

  applyMailbox = async ({ name, partition = '' }: WireMailbox): Promise<void> => {
    this.sent.push(name);
    if (this.#against.test(name) || !this.#partitions.includes(partition)) throw refusal;
    this.mailboxes.set(name, partition);
  };

  applyUnmailbox = async (name: string): Promise<void> => {
    this.mailboxes.delete(name);
  };
}

function lineOf(name: string, partition: string): WireMailbox {
  return emptyMailbox({ name, uniqueid: name, partition });
}

/** The code of what `ensure` rejects with. */
async function refused(partitions: Partitions, line: WireMailbox): Promise<string> {
  try {
    await partitions.ensure(line);
  } catch (caught) {
    return SyncError.from(caught).code;
  }
  return 'none';
}

test('a partition is blamed if the replica takes elsewhere what it refuses there, and nothing is left behind', async () => {
  const replica = new FakeReplica(['default']);
  const partitions = new Partitions(replica);
  assert.equal(await refused(partitions, lineOf('user.anna', 'elsewhere')), 'PARTITION_UNKNOWN');
  assert.deepEqual([...replica.mailboxes.keys()], []);
  assert.equal(partitions.isKnown('default'), true);
  assert.equal(partitions.isKnown('elsewhere'), false);
});

test('what a partition is tried with is deleted already, readable by nobody, and told from that of another', async () => {
  const tried: WireMailbox[] = [];
  const removed: unknown[] = [];
  const session = {
    applyMailbox: async (line: WireMailbox) => void tried.push(line),
    applyUnmailbox: async (...command: unknown[]) => void removed.push(command),
  };
  for (const partition of ['default', 'elsewhere', 'default'])
    assert.equal(await takesMailboxes(session, partition), true);
  for (const { name, acl, type, local } of tried) {
    assert.match(name, /^DELETED\.user\.cyrus-sync-probe\.[0-9a-f]{12}\.10000000$/);
    assert.deepEqual([acl, type, local], ['', '', true]);
  }
  const [first, second, third] = tried;
  assert.deepEqual(third, first);
  assert.notEqual(second?.name, first?.name);
  assert.notEqual(second?.uniqueid, first?.uniqueid);
  assert.match(first?.uniqueid ?? '', /^[0-9a-f]{24}$/);
  assert.deepEqual(
    removed,
    tried.map(({ name }) => [name, true]),
  );
});

test('a partition that was tried by somebody else at the same time is there, and a link that breaks says nothing', async () => {
  const applyMailbox = async (): Promise<void> => {};
  const fails = (error: SyncError) => async (): Promise<void> => {
    throw error;
  };
  const gone = { applyMailbox, applyUnmailbox: fails(refusal) };
  assert.equal(await takesMailboxes(gone, 'default'), true);
  const broken = new SyncError('LINK_BROKEN', 'it broke', { family: 'link' });
  for (const session of [
    { applyMailbox, applyUnmailbox: fails(broken) },
    { applyMailbox: fails(broken), applyUnmailbox: applyMailbox },
  ])
    await assert.rejects(takesMailboxes(session, 'default'), broken);
});

test('a replica that refuses everywhere says nothing about the partition', async () => {
  const partitions = new Partitions(new FakeReplica([]));
  assert.equal(await refused(partitions, lineOf('user.anna', 'elsewhere')), 'IMAP_REMOTE_DENIED');
  assert.equal(await refused(partitions, lineOf('user.anna', 'default')), 'IMAP_REMOTE_DENIED');
});

test('a mailbox that is refused on a partition that is there is refused for itself', async () => {
  const replica = new FakeReplica(['default', 'elsewhere'], /anna/);
  const partitions = new Partitions(replica);
  assert.equal(await refused(partitions, lineOf('user.anna', 'elsewhere')), 'IMAP_REMOTE_DENIED');
  assert.equal(partitions.isKnown('elsewhere'), true);
  assert.deepEqual([...replica.mailboxes.keys()], []);
});

test('what was proven once is not asked again on the same connection', async () => {
  const replica = new FakeReplica(['default']);
  const partitions = new Partitions(replica);
  await Promise.all(
    ['anna', 'bert', 'carla'].map((user) => refused(partitions, lineOf(`user.${user}`, 'elsewhere'))),
  );
  const asked = replica.sent.length;
  assert.equal(await refused(partitions, lineOf('user.dora', 'elsewhere')), 'PARTITION_UNKNOWN');
  assert.equal(replica.sent.length, asked);
  assert.equal(replica.sent.filter((name) => name.includes('cyrus-sync-probe')).length, 2);
});

test('a refusal with a code of its own, or on a partition that was seen there, is left as it is', async () => {
  const replica = new FakeReplica(['default']);
  const partitions = new Partitions(replica);
  const locked = new SyncError('IMAP_MAILBOX_LOCKED', 'locked', { family: 'refused' });
  assert.equal(await partitions.explain(locked, 'elsewhere', 'user.anna'), locked);
  await partitions.ensure(lineOf('user.anna', 'default'));
  assert.equal(await partitions.explain(refusal, 'default', 'user.bert'), refusal);
  assert.deepEqual(replica.sent, ['user.anna']);
});

test('whoever waits for a partition goes on as soon as any mailbox has shown that it is there, and only then', async () => {
  const partitions = new Partitions(new FakeReplica(['default']));
  const woken: string[] = [];
  for (const partition of ['default', 'elsewhere']) {
    void partitions.becomesKnown(partition).then(() => woken.push(partition));
  }
  assert.equal(await refused(partitions, lineOf('user.bert', 'default')), 'none');
  await setImmediate();
  assert.deepEqual(woken, ['default']);
  await partitions.becomesKnown('default');
});

test('a mailbox that fails for a reason of its own leaves it to the next one to find out about the partition', async () => {
  const replica = new FakeReplica(['default']);
  const locked = new SyncError('IMAP_MAILBOX_LOCKED', 'locked', { family: 'refused' });
  const partitions = new Partitions({
    ...replica,
    applyMailbox: async (line: WireMailbox) => {
      if (line.name === 'user.anna') throw locked;
      await replica.applyMailbox(line);
    },
  });
  const names = ['user.anna', 'user.bert', 'user.carla'];
  const codes = names.map((name) => refused(partitions, lineOf(name, 'default')));
  assert.deepEqual(await Promise.all(codes), ['IMAP_MAILBOX_LOCKED', 'none', 'none']);
  assert.deepEqual(replica.sent, ['user.bert'], 'whoever waited for that one need not ask');
  const again = new Partitions({ ...replica, applyMailbox: () => Promise.reject(locked) });
  for (const name of names)
    assert.equal(await refused(again, lineOf(name, 'default')), 'IMAP_MAILBOX_LOCKED');
});
