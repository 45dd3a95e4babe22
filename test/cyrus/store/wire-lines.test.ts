import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { annotationCrc, basicCrc } from '../../../src/store/mailbox/checksums.ts';
import type {
  IndexRecord,
  LockedMailbox,
  MailboxMessages,
  MasterStore,
} from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { mailboxLockPath, userLockPaths } from '../../../src/store/paths/lock-paths.ts';
import type { StoreLayout } from '../../../src/store/paths/store-layout.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type CyrusServer, type ServerOptions, startPair } from '../../lab/cyrus-server.ts';
import { handOverLocks, layoutOf } from '../../lab/layout-of.ts';
import { populate } from '../../lab/populate.ts';
import { allRecords } from './all-records.ts';
import { mailboxLine, quotaLine, seenLine, subLine } from './mailbox-line.ts';

interface Kind {
  what: string;
  options: ServerOptions;
  /** Things that must have been there to be read, or the comparison would prove less than it says. */
  proves: readonly (keyof Facts)[];
  /** Between filling and reading. */
  prepare?: (master: CyrusServer) => Promise<void>;
}

interface Facts {
  archived: number;
  deletedmodseq: number;
  expunged: number;
  inDeleted: number;
  raclmodseq: number;
  xconvmodseq: number;
}

const archiveEverything = async (master: CyrusServer): Promise<void> => {
  await master.runOk('cyr_expire', ['-A', '0s', '-E', '0']);
};

/** Reverse ACLs are kept only once ctl_cyrusdb has built them. */
const changeRights = async (master: CyrusServer): Promise<void> => {
  await archiveEverything(master);
  await master.runOk('ctl_cyrusdb', ['-r']);
  await using admin = await master.imap();
  await admin.ok('SETACL user/anna/Work chiara-b lrs');
};

const removeExpunged = async (master: CyrusServer): Promise<void> => {
  await master.runOk('cyr_expire', ['-E', '1', '-X', '0']);
};

const KINDS: readonly Kind[] = [
  {
    what: 'the defaults',
    options: { imapd: { conversations: 'yes' } },
    proves: ['expunged', 'inDeleted', 'xconvmodseq'],
  },
  {
    what: 'no conversations, and expunged messages removed',
    options: {},
    proves: ['deletedmodseq'],
    prepare: removeExpunged,
  },
  {
    what: 'domains, full hashing and meta directories',
    proves: ['xconvmodseq'],
    options: {
      imapd: { virtdomains: 'userid', hashimapspool: 'yes', fulldirhash: 'yes', conversations: 'yes' },
      metapartitionFiles: 'header index cache expunge squat annotations',
    },
  },
  {
    what: 'directories by name, hashed, with domains, meta and archive directories',
    // From 3.12 on a change of rights is not counted any more.
    proves: PROGRAMS.isAtLeast(3, 12) ? ['archived'] : ['archived', 'raclmodseq'],
    options: {
      imapd: {
        virtdomains: 'userid',
        hashimapspool: 'yes',
        mailbox_legacy_dirs: 'yes',
        conversations: 'yes',
        reverseacls: 'yes',
      },
      metapartitionFiles: 'header index',
      archive: true,
    },
    prepare: changeRights,
  },
  {
    what: 'directories by name, not hashed, dots as separators',
    proves: ['inDeleted'],
    options: { imapd: { mailbox_legacy_dirs: 'yes', unixhierarchysep: 'no', fulldirhash: 'yes' } },
  },
  {
    what: 'archive directories by uniqueid',
    proves: ['archived'],
    options: { imapd: { hashimapspool: 'yes' }, archive: true },
    prepare: archiveEverything,
  },
];

for (const { what, options, prepare, proves } of KINDS) {
  test(`a first copy can be rebuilt from disk, octet for octet, with ${what}`, async () => {
    await using pair = await startPair({ both: options });
    const population = await populate(pair.master, { users: 6 });
    await prepare?.(pair.master);
    const layout = layoutOf(pair.master);
    assertLockNames(layout);
    const expected = await readEverything(openMasterStore(layout));
    handOverLocks(pair.master);
    for (const fact of proves) assert.ok(expected.facts[fact] > 0, `nothing ${fact} was found`);
    assert.deepEqual([...expected.users].sort(), [...population.users].sort());
    await assertSameCommands(pair.master, expected);
  });
}

interface Expected {
  facts: Facts;
  users: string[];
  /** By verb: the arguments of all commands that a first copy has to send. */
  commands: Record<'MAILBOX' | 'SUB' | 'SEEN' | 'QUOTA', Set<string>>;
}

async function assertSameCommands(master: CyrusServer, { commands }: Expected): Promise<void> {
  const run = await master.run('sync_client', ['-v', '-v', '-o', '-A']);
  assert.equal(run.code, 0, run.stderr.slice(-2000));
  const traffic = Buffer.from(run.stderr, 'utf8')
    .toString('latin1')
    .replace(/[<>]\d{9,11}[<>]/g, '');
  for (const [verb, lines] of Object.entries(commands)) {
    const sent = traffic.split(`APPLY ${verb} `).slice(1);
    for (const line of lines) {
      // What names the thing comes first; up to there the lines have to agree to be compared at all.
      const subject = /^%\(\S+ \S+ (?:\S+ "?[^ )]+)?/.exec(line)?.[0] ?? line;
      const found =
        sent.find((each) => each.startsWith(line)) ?? sent.find((each) => each.startsWith(subject));
      assert.equal(found?.slice(0, line.length), line);
    }
    assert.equal(sent.length, lines.size, `the C client sent another number of ${verb}`);
  }
}

async function readEverything(store: MasterStore): Promise<Expected> {
  const users: string[] = [];
  const commands = {
    MAILBOX: new Set<string>(),
    SUB: new Set<string>(),
    SEEN: new Set<string>(),
    QUOTA: new Set<string>(),
  };
  const facts: Facts = {
    archived: 0,
    deletedmodseq: 0,
    expunged: 0,
    inDeleted: 0,
    raclmodseq: 0,
    xconvmodseq: 0,
  };
  const roots = new Set<string>();
  const read = async (name: string): Promise<void> => {
    const found = await store.readMailbox(name, (mailbox) => {
      commands.MAILBOX.add(mailboxLine(mailbox));
      if (mailbox.state.quotaroot !== undefined) roots.add(mailbox.state.quotaroot);
      count(facts, mailbox);
      assertCrcs(mailbox);
      return { messages: mailbox.messages, records: allRecords(mailbox) };
    });
    if (found) await assertMessages(found.messages, found.records);
  };
  for (const each of store.enumerate()) {
    assert.ok(each.kind !== 'busy');
    if (each.kind === 'shared') {
      await read(each.name);
      continue;
    }
    users.push(each.userid);
    for (const entry of store.mailboxesOf(each.userid)) await read(entry.name);
    for (const name of store.subscriptions(each.userid)) commands.SUB.add(subLine(each.userid, name));
    for (const seen of store.seen(each.userid)) commands.SEEN.add(seenLine(each.userid, seen));
  }
  for (const root of roots) {
    const quota = await store.quota(root);
    assert.ok(quota, `quota root ${root}`);
    commands.QUOTA.add(quotaLine(quota));
  }
  for (const [verb, lines] of Object.entries(commands)) assert.ok(lines.size > 0, `nothing of ${verb} found`);
  return { facts, users, commands };
}

/** Cyrus has opened every mailbox by now, so the lock files that we mean have to be there without our doing. */
function assertLockNames(layout: StoreLayout): void {
  const store = openMasterStore(layout);
  for (const each of store.enumerate()) {
    if (each.kind !== 'user') continue;
    const userLocks = userLockPaths(layout, each.userid);
    assert.ok(userLocks.some(existsSync), `Cyrus has none of ${userLocks.join(', ')}`);
    for (const entry of store.mailboxesOf(each.userid)) {
      if (entry.intermediate) continue;
      const lock = mailboxLockPath(layout, entry);
      assert.ok(existsSync(lock), `Cyrus has no ${lock}`);
    }
  }
}

function count(facts: Facts, mailbox: LockedMailbox): void {
  if (mailbox.entry.inDeleted) facts.inDeleted++;
  if ((mailbox.state.deletedmodseq ?? 0) > 0) facts.deletedmodseq++;
  if (mailbox.state.raclmodseq > 0) facts.raclmodseq++;
  if (mailbox.state.xconvmodseq > 0) facts.xconvmodseq++;
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (page.archived(i)) facts.archived++;
      if (page.expunged(i)) facts.expunged++;
    }
  }
}

function assertCrcs(mailbox: LockedMailbox): void {
  const records = allRecords(mailbox);
  const { indexVersion, crcBasic, crcAnnotations } = mailbox.state;
  assert.deepEqual(
    [basicCrc(records), annotationCrc(records, indexVersion)],
    [crcBasic, crcAnnotations],
    `CRCs of ${mailbox.entry.name}`,
  );
}

async function assertMessages(messages: MailboxMessages, records: readonly IndexRecord[]): Promise<void> {
  for (const record of records) {
    if (record.unlinked) continue;
    const content = await messages.readMessage(record);
    assert.ok(Buffer.isBuffer(content));
    assert.equal(content.length, record.size);
    assert.equal(createHash('sha1').update(content).digest('hex'), record.guid);
  }
}
