import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReplicaSession, WireRecord } from '../../../src/protocol/replica-session.ts';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { openSync } from '../../lab/full-state.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

/** Damage that an administrator's hand, a power cut or a restored spool may do to a replica. */
interface Planted {
  plant(scene: Scene, user: string): Promise<void>;
  /** The words of `verify` on it, behind the name of the user's mailbox. */
  says: RegExp;
  /** In the report; left out: `differs`. */
  grade?: 'metadata-differs';
}

interface Scene extends Sides {
  session: ReplicaSession;
}

const SHARED_COMMENT = '/shared/comment';

const DIFFERENCES: Record<string, Planted> = {
  flag: {
    plant: ({ replica }, user) => replica.flag(`user/${user}`, 1, '\\Flagged'),
    says: /, UID 1: flags: none on the master, \\flagged on the replica/,
  },
  keyword: {
    plant: ({ replica }, user) => replica.flag(`user/${user}`, 2, '$Junk'),
    says: /, UID 2: flags: none on the master, \$junk on the replica/,
  },
  lost: {
    plant: ({ replica }, user) => replica.expunge(`user/${user}`, 2),
    says: /, UID 2: the message is missing on the replica/,
  },
  extra: {
    plant: ({ replica }, user) => replica.append(`user/${user}`, 'extra'),
    says: /, UID 4: the message is only on the replica/,
  },
  body: {
    async plant({ master, replica }, user) {
      await master.append(`user/${user}`, 'ours');
      await replica.append(`user/${user}`, 'theirs');
    },
    says: /, UID 4: GUID \(another body under this UID\): [0-9a-f]{40} on the master/,
  },
  date: {
    plant: ({ session }, user) =>
      tamper(session, `user.${user}`, (record) => ({ ...record, internaldate: record.internaldate + 60 })),
    says: /, UID 1: INTERNALDATE: \d+ on the master, \d+ on the replica/,
  },
  annotation: {
    plant: ({ replica }, user) => replica.annotate(`user/${user}`, 1, 'planted'),
    says: /, UID 1: annotation \/comment is only on the replica \(planted\)/,
  },
  private: {
    plant: ({ replica }, user) =>
      replica.within(`user/${user}`, 'UID STORE 1 ANNOTATION (/comment (value.priv "planted"))'),
    says: /, UID 1: annotation \/comment of admin is only on the replica \(planted\)/,
  },
  metadata: {
    plant: async ({ replica }, user) => {
      await replica.imap.ok(`SETMETADATA user/${user} (${SHARED_COMMENT} "planted")`);
    },
    says: /: annotation \/comment is only on the replica \(planted\)/,
    grade: 'metadata-differs',
  },
  acl: {
    plant: async ({ replica }, user) => {
      await replica.imap.ok(`SETACL user/${user} planted lr`);
    },
    says: /: ACL: .* on the master, .*planted lr.* on the replica/,
    grade: 'metadata-differs',
  },
  use: {
    plant: async ({ replica }, user) => {
      await using own = await replica.server.imap(user);
      await own.ok('SETMETADATA INBOX/Sent (/private/specialuse "\\\\Archive")');
    },
    says: /\/Sent: annotation \/specialuse of use is only on the replica \(\\Archive\)/,
    grade: 'metadata-differs',
  },
  subscription: {
    plant: async ({ replica }, user) => {
      await using own = await replica.server.imap(user);
      await own.ok('SUBSCRIBE INBOX/Sent');
    },
    says: /^subscription: subscription to user\/subscription\/Sent is only on the replica$/m,
    grade: 'metadata-differs',
  },
  seen: {
    plant: async ({ session }, user) => {
      const [seen] = (await session.getMeta(user)).seen;
      assert.ok(seen);
      await session.applySeen(user, { ...seen, seenuids: '1:3', lastchange: seen.lastchange + 1 });
    },
    says: /^seen: seen state of mailbox \S+: .* on the master, 1:3 to .* on the replica$/m,
    grade: 'metadata-differs',
  },
  script: {
    plant: async ({ replica }, user) => {
      await using sieve = await SieveClient.login(replica.server, user);
      await sieve.put('one', 'discard;\r\n');
    },
    ...(PROGRAMS.keepScriptsInMailbox
      ? { says: /#sieve: HIGHESTMODSEQ|#sieve, UID \d+:/ }
      : {
          says: /^script: Sieve script one\.script: \w+ on the master, \w+ on the replica$/m,
          grade: 'metadata-differs',
        }),
  },
  active: {
    plant: async ({ replica }, user) => {
      await using sieve = await SieveClient.login(replica.server, user);
      await sieve.activate('two');
    },
    ...(PROGRAMS.keepScriptsInMailbox
      ? { says: /#sieve, UID \d+: flags: / }
      : {
          says: /^active: active Sieve script: one\.bc on the master, two\.bc on the replica$/m,
          grade: 'metadata-differs',
        }),
  },
  quota: {
    plant: async ({ replica }, user) => {
      await replica.imap.ok(`SETQUOTA user/${user} (STORAGE 77)`);
    },
    says: /^quota: quota of user\/quota: storage 5000 on the master, storage 77 on the replica$/m,
    grade: 'metadata-differs',
  },
  quotaroot: {
    async plant({ replica }, user) {
      const { stdout } = await replica.server.runOk('mbpath', [`user/${user}/Sent`]);
      const header = join(stdout.trim(), 'cyrus.header');
      // The header has it as a pair of its list, and up to 3.4 before the uniqueid.
      const root = new RegExp(` Q user\\.${user}|user\\.${user}(?=\t)`);
      await writeFile(header, (await readFile(header, 'latin1')).replace(root, ''), 'latin1');
    },
    says: /\/Sent: quota root is missing on the replica \(user\/quotaroot\)$/m,
    grade: 'metadata-differs',
  },
  here: {
    plant: ({ master }, user) => master.create(`user/${user}/OnlyHere`, ['one']),
    says: /\/OnlyHere: the mailbox is missing on the replica/,
  },
  renamed: {
    plant: async ({ replica }, user) => {
      await replica.imap.ok(`RENAME user/${user}/Sent user/${user}/Renamed`);
    },
    says: /\/Sent: name: user\/renamed\/Sent on the master, user\/renamed\/Renamed on the replica/,
  },
  uidvalidity: {
    plant: ({ session }, user) =>
      tamper(
        session,
        `user.${user}`,
        (record) => record,
        (uidvalidity) => uidvalidity + 5,
      ),
    says: /: UIDVALIDITY: \d+ on the master, \d+ on the replica/,
  },
};

/** Found by the message files alone. */
const FILES: Record<string, (replica: Sides['replica'], user: string) => Promise<void>> = {
  deletedfile: async (replica, user) => rm(await messageFile(replica, user)),
  cutfile: async (replica, user) => writeFile(await messageFile(replica, user), 'Subject: other\r\n\r\n'),
  // Of the same length, so that nothing but its content tells.
  alteredfile: async (replica, user) => {
    const file = await messageFile(replica, user);
    await writeFile(file, (await readFile(file, 'latin1')).replace('a@example', 'b@example'), 'latin1');
  },
};

async function messageFile({ server }: Sides['replica'], user: string): Promise<string> {
  const { stdout } = await server.runOk('mbpath', [`user/${user}`]);
  return join(stdout.trim(), '1.');
}

/** Behind everybody's back: the replica is given a state that the master never had. */
async function tamper(
  session: ReplicaSession,
  name: string,
  change: (record: WireRecord) => WireRecord,
  uidvalidity: (before: number) => number = (before) => before,
): Promise<void> {
  const records: WireRecord[] = [];
  const mailbox = await session.getFullMailbox(name, (record) => records.push(record));
  const modseq = mailbox.highestmodseq + 1;
  const [first] = records;
  assert.ok(first);
  const line = {
    ...mailbox,
    ...{ highestmodseq: modseq, crcBasic: 0, crcAnnotations: undefined, since: undefined },
    ...{ intermediate: false, local: true, uidvalidity: uidvalidity(mailbox.uidvalidity) },
  };
  await session.applyMailbox(line, [{ ...change(first), modseq }]);
}

async function fill({ master }: Sides, users: readonly string[]): Promise<void> {
  for (const user of users) {
    await master.create(`user/${user}`, ['one', 'two', 'three']);
    await master.create(`user/${user}/Sent`);
  }
  for (const user of ['quota', 'quotaroot']) await master.imap.ok(`SETQUOTA user/${user} (STORAGE 5000)`);
  await master.imap.ok('SETACL user/flag seen lrs');
  await using reader = await master.server.imap('seen');
  await reader.ok('SELECT user/flag');
  await reader.ok('STORE 1 +FLAGS (\\Seen)');
  for (const user of ['script', 'active']) {
    await using sieve = await SieveClient.login(master.server, user);
    for (const name of ['one', 'two']) await sieve.put(name, 'keep;\r\n');
    await sieve.activate('one');
  }
}

test('each planted difference is found and named, mended by --repair, and nothing is left to the C client', async () => {
  await using pair = await startPair({ both: { imapd: { annotation_allow_undefined: 'yes' } } });
  await using sides = await openSides(pair);
  const users = Object.keys(DIFFERENCES);
  await fill(sides, users);
  await syncClientOk(pair.master, ['-A']);
  const session = await openSync(pair.replica);
  try {
    for (const [user, { plant }] of Object.entries(DIFFERENCES)) await plant({ ...sides, session }, user);
  } finally {
    await session.exit();
  }

  const report = join(pair.master.directory, 'report.json');
  const found = await cyrusSync(pair.master, 'verify', ['-A', '--report', report]);
  const grades = new Map(
    (JSON.parse(await readFile(report, 'utf8')) as { users: { user: string; grade: string }[] }).users.map(
      ({ user, grade }) => [user, grade],
    ),
  );
  for (const [user, { says, grade = 'differs' }] of Object.entries(DIFFERENCES)) {
    const own = linesOf(found.stdout, user);
    assert.match(own, says, `of ${user} it says:\n${own}`);
    assert.equal(grades.get(user), grade, own);
  }
  assert.equal(found.code, 2, found.stderr);

  const repaired = await cyrusSync(pair.master, 'verify', ['-A', '--repair']);
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
  assert.match(
    repaired.stdout,
    new RegExp(`^0 of ${users.length} users proven .*${users.length} differed and are repaired`, 'm'),
  );
  const again = await cyrusSync(pair.master, 'verify', ['-A', '--deep']);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users, { expunged: 'left out' });
});

function linesOf(output: string, user: string): string {
  return output
    .split('\n')
    .filter((line) => new RegExp(`^(user/)?${user}[:,/]`).test(line))
    .join('\n');
}

test('a message file that the replica has lost, or that was altered there, is found by --deep', async () => {
  await using pair = await startPair();
  await using sides = await openSides(pair);
  const users = Object.keys(FILES);
  for (const user of users) await sides.master.create(`user/${user}`, ['one', 'two', 'three']);
  await syncClientOk(pair.master, ['-A']);
  for (const [user, damage] of Object.entries(FILES)) await damage(sides.replica, user);

  const shallow = await cyrusSync(pair.master, 'verify', ['-A']);
  assert.equal(shallow.code, 0, shallow.stdout + shallow.stderr);
  const found = await cyrusSync(pair.master, 'verify', ['-A', '--deep']);
  const says = /, UID 1: a file with the content of the message(: [0-9a-f]{40} on the master| is missing)/;
  for (const user of users) assert.match(linesOf(found.stdout, user), says, found.stdout + found.stderr);
  assert.equal(found.code, 2, found.stderr);

  await pair.replica.runOk('reconstruct', ['user/deletedfile']);
  await syncClientOk(pair.master, ['-u', 'deletedfile']);
  const mended = await cyrusSync(pair.master, 'verify', ['--deep', '-u', 'deletedfile']);
  assert.equal(mended.code, 0, mended.stdout + mended.stderr);
  assert.equal((await sides.master.messages('user/deletedfile')).length, 3);
});
