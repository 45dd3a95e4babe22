import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { SandboxOptions } from '../../../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { mailboxCrc } from '../../../src/sandbox/storage/checksums.ts';
import { appliedCommands } from '../../lab/assert-same-mail.ts';
import { changeRound } from '../../lab/change-round.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, CyrusServer, PASSWORD, replicaSettings, startPair } from '../../lab/cyrus-server.ts';
import { mailboxOf, type Population, populate, separator } from '../../lab/populate.ts';
import { ScriptClient } from '../../lab/script-client.ts';
import { guidOf, mailboxCommand, type TestMailbox, upload } from '../../lab/with-sandbox.ts';

const OF_THE_SANDBOX = 'the sandbox answers as servers from 3.6 on do';

/** The real master and C client against the sandbox. Fails, never skips, where Cyrus is not installed. */

async function withSandbox(
  options: Partial<SandboxOptions>,
  use: (sandbox: Sandbox) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  try {
    const listen = { host: '127.0.0.1', port: 0 };
    await using sandbox = await startSandbox({
      directory,
      listen,
      user: ADMIN,
      password: PASSWORD,
      ...options,
    });
    await use(sandbox);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function aim(master: CyrusServer, sandbox: Sandbox): Promise<void> {
  if (!('port' in sandbox.address)) throw new Error('the sandbox listens on no port');
  master.configure('sync_host', sandbox.address.host);
  master.configure('sync_port', String(sandbox.address.port));
  master.configure('sync_authname', ADMIN);
  master.configure('sync_password', PASSWORD);
  master.configure('sync_try_imap', '0');
  await master.writeConfiguration();
}

async function runTwice(master: CyrusServer): Promise<void> {
  const first = await master.run('sync_client', ['-v', '-v', '-A']);
  assert.equal(first.code, 0, first.stderr.slice(-3000));
  const second = await master.run('sync_client', ['-v', '-v', '-A']);
  assert.equal(second.code, 0, second.stderr.slice(-3000));
  assert.match(second.stderr, /GET USER/);
  const left = appliedCommands(second.stderr);
  assert.deepEqual(left, [], `the second run still had to send:\n${left.join('\n')}`);
}

function assertSound(sandbox: Sandbox): void {
  const { mailboxes, contents } = sandbox.inspect();
  for (const [guid, sha1] of Object.entries(contents)) assert.equal(sha1, guid);
  let records = 0;
  for (const [name, mailbox] of Object.entries(mailboxes)) {
    const { basic, annotations } = mailboxCrc(mailbox.records);
    assert.deepEqual([mailbox.crcBasic, mailbox.crcAnnotations], [basic, annotations], name);
    for (const record of mailbox.records) {
      assert.ok(record.unlinked || record.guid in contents, `${name} UID ${record.uid} has no message`);
      records++;
    }
  }
  assert.ok(records > 100, `only ${records} records`);
}

for (const compression of [true, false]) {
  test(`the C client finds nothing left after -A, ${compression ? 'deflated' : 'in clear'}, before and after changes`, async () => {
    await using master = await CyrusServer.start('master');
    await withSandbox({ offer: { compression } }, async (sandbox) => {
      await aim(master, sandbox);
      const population = await populate(master, { users: 8 });
      await runTwice(master);
      assert.equal(sandbox.traffic().commands.COMPRESS ?? 0, compression ? 2 : 0);
      assertSound(sandbox);
      await changeRound(master, population);
      await runTwice(master);
      assertSound(sandbox);
    });
  });
}

test('the C client finds nothing left where #sieve is not offered', async () => {
  await using master = await CyrusServer.start('master');
  await withSandbox({ offer: { sieveMailbox: false } }, async (sandbox) => {
    await aim(master, sandbox);
    await populate(master, { users: 6 });
    await runTwice(master);
    assertSound(sandbox);
    assert.ok((sandbox.traffic().commands['APPLY SIEVE'] ?? 0) > 0, 'no script was sent');
  });
});

test('the C client finds nothing left with conversations, reverse ACLs, virtual domains and dots as separators', async () => {
  const imapd = {
    conversations: 'yes',
    reverseacls: 'yes',
    virtdomains: 'userid',
    unixhierarchysep: 'no',
  };
  await using master = await CyrusServer.start('master', { imapd });
  await withSandbox({}, async (sandbox) => {
    await aim(master, sandbox);
    const population = await populate(master, { users: 8 });
    await runTwice(master);
    await changeRound(master, population);
    await runTwice(master);
    assertSound(sandbox);
  });
});

// A real 3.6.1 takes GET ANNOTATION's name for an external one: with `/` as separator, or a domain, it finds nothing.
for (const imapd of [{}, { unixhierarchysep: 'no', virtdomains: 'userid' }] as Record<string, string>[]) {
  test(`the sandbox answers every GET as a real replica that was told the same ${JSON.stringify(imapd)}`, async (t) => {
    if (PROGRAMS.areBefore(3, 6, t, OF_THE_SANDBOX)) return;
    await using pair = await startPair({ both: { imapd } });
    await withSandbox({}, async (sandbox) => {
      let population = await populate(pair.master, { users: 8 });
      for (const round of [0, 1]) {
        if (round > 0) population = await changeRound(pair.master, population);
        for (const [key, value] of Object.entries(replicaSettings(pair.replica)))
          pair.master.configure(key, value);
        await pair.master.writeConfiguration();
        await pair.master.runOk('sync_client', ['-A']);
        await aim(pair.master, sandbox);
        await pair.master.runOk('sync_client', ['-A']);
        await compareAnswers(pair.replica, sandbox, population);
      }
    });
  });
}

async function compareAnswers(replica: CyrusServer, sandbox: Sandbox, population: Population): Promise<void> {
  await using real = await ScriptClient.login({ host: '127.0.0.1', port: replica.syncPort }, ADMIN, PASSWORD);
  await using ours = await ScriptClient.login(sandbox.address, ADMIN, PASSWORD);
  const same = async (command: string) => {
    const [expected, found] = await Promise.all([real.say(command), ours.say(command)]);
    assert.deepEqual(normalised(found), normalised(expected), command);
    return found;
  };
  await same('APPLY CAPABILITIES (SIEVE-MAILBOX BOGUS)');
  let compared = 0;
  for (const user of population.users) {
    const { untagged } = await same(`GET USER ${user}`);
    await same(`GET META ${user}`);
    await same(`GET QUOTA user.${user}`);
    for (const line of untagged) {
      const name = /^MAILBOX %\(UNIQUEID \S+ MBOXNAME ("[^"]*"|\S+)/.exec(line)?.[1];
      if (name === undefined) continue;
      const { untagged: records } = await same(`GET FULLMAILBOX ${name}`);
      await same(`GET MAILBOXES (${name} user.nobody)`);
      if (separator(replica) === '.' && !name.includes('!')) await same(`GET ANNOTATION ${name}`);
      if (records[0]?.includes(' RECORD (%(') === true) compared++;
    }
  }
  for (const shared of population.sharedMailboxes)
    await same(`GET FULLMAILBOX ${shared.replaceAll('/', '.')}`);
  assert.ok(compared > 30, `only ${compared} mailboxes with records were compared`);
}

/**
 * Leaves out what legitimately differs: the form of literals, a quota's modseq, which every replica counts by itself, and
 * the list of keywords, which servers tell from 3.12 on.
 */
function normalised(answer: { untagged: string[]; final: string }): { untagged: string[]; final: string } {
  const untagged = answer.untagged.map((line) =>
    line
      .replace(/\{(\d+)\+?\}\r\n/g, '{$1}\r\n')
      .replace(/^(QUOTA .* MODSEQ )\d+\)$/, '$1n)')
      .replace(/ USERFLAGS \([^)]*\)/, ''),
  );
  return { untagged, final: answer.final };
}

test('a real replica and the sandbox refuse the same things with the same words', async (t) => {
  if (PROGRAMS.areBefore(3, 6, t, OF_THE_SANDBOX)) return;
  await using replica = await CyrusServer.start('replica');
  await withSandbox({}, async (sandbox) => {
    const uniqueid = 'abcdefghijklmnopqrstuvwx';
    const address = { host: '127.0.0.1', port: replica.syncPort };
    await using real = await ScriptClient.login(address, ADMIN, PASSWORD);
    await using ours = await ScriptClient.login(sandbox.address, ADMIN, PASSWORD);
    const mailbox = (changes: Partial<TestMailbox>) =>
      mailboxCommand({ name: 'user.anna', uniqueid, highestmodseq: 5, lastUid: 2, records: [], ...changes });
    const records = ['Subject: one\r\n\r\n', 'Subject: two\r\n\r\n'].map((content, index) => ({
      uid: index + 1,
      modseq: 4 + index,
      guid: guidOf(content),
      size: content.length,
    }));
    for (const client of [real, ours]) await upload(client, ['Subject: one\r\n\r\n', 'Subject: two\r\n\r\n']);
    const [first, second] = records;
    assert.ok(first !== undefined && second !== undefined);
    const commands = [
      mailbox({ records }),
      mailbox({ name: 'user.bob' }),
      mailbox({ uniqueid: 'xbcdefghijklmnopqrstuvwx' }),
      mailbox({ since: [4, 0, 0] }),
      mailbox({ since: [5, 1, 0] }),
      mailbox({ highestmodseq: 4 }),
      mailbox({ uidvalidity: 6 }),
      mailbox({ lastUid: 1 }),
      mailbox({ highestmodseq: 6, records: [{ ...first, modseq: 6, guid: guidOf('other') }] }),
      mailbox({ highestmodseq: 6, records: [{ ...second, modseq: 3 }] }),
      mailbox({ highestmodseq: 6, crc: [1, 1] }),
      mailbox({ highestmodseq: 7, records: [{ ...first, modseq: 7, flags: ['\\Expunged'] }] }),
      mailbox({ highestmodseq: 8, records: [{ ...first, modseq: 8 }] }),
      mailbox({ highestmodseq: 8, type: 'c' }),
      mailbox({
        highestmodseq: 8,
        name: 'user.anna.#sieve',
        uniqueid: 'sbcdefghijklmnopqrstuvwx',
        type: 'f',
      }),
      mailbox({}).replace('OPTIONS', 'XOPTIONS'),
      'APPLY EXPUNGE %(MBOXNAME user.anna UNIQUEID wrong UID (1))',
      `APPLY EXPUNGE %(MBOXNAME user.anna UNIQUEID ${uniqueid} UID (2 9))`,
      `APPLY RESERVE %(PARTITION default MBOXNAME (user.anna user.nope) GUID (${first.guid} ${guidOf('x')}))`,
      'APPLY RESERVE %(PARTITION default MBOXNAME () GUID (abc))',
      'APPLY RENAME %(OLDMBOXNAME user.nope NEWMBOXNAME user.y PARTITION default)',
      'APPLY UNMAILBOX user.nope',
      'APPLY UNUSER nobody',
      'APPLY UNQUOTA user.nobody',
      'APPLY SUB %(USERID anna MBOXNAME user.zzz)',
      'APPLY SEEN %(USERID anna UNIQUEID zzz)',
      'APPLY MESSAGE (NIL)',
      'APPLY NONSENSE x',
      'APPLY SUB %(USERID)',
      'GET USER nobody',
      'GET USER %(USERID anna)',
      'GET META anna',
      'GET SIEVE anna',
      'GET FULLMAILBOX user.nope',
      'GET UNIQUEIDS (nope)',
      'GET QUOTA user.nope',
      'GET MAILBOXES ()',
      'NONSENSE',
      '',
      'NOOP',
      // What all of it has left behind.
      'GET FULLMAILBOX user.anna',
      'GET USER anna',
      'RESTART',
      'EXIT',
    ];
    for (const command of commands) {
      const [expected, found] = await Promise.all([real.say(command), ours.say(command)]);
      assert.deepEqual(normalised(found), normalised(expected), command);
    }
  });
});

test('a message uploaded by the C client is fetched back octet for octet', async () => {
  await using master = await CyrusServer.start('master');
  await withSandbox({}, async (sandbox) => {
    await aim(master, sandbox);
    const user = 'anna';
    await using admin = await master.imap();
    await admin.ok(`CREATE ${mailboxOf(master, user)}`);
    await using client = await master.imap(user);
    const message = Buffer.from(
      `Subject: octets\r\n\r\n${'\xe4\xff % "quoted" {12}\r\n'.repeat(5000)}`,
      'latin1',
    );
    await client.ok('APPEND INBOX ', message);
    await runTwice(master);
    const mailbox = sandbox.inspect().mailboxes['user.anna'];
    const record = mailbox?.records[0];
    assert.ok(mailbox !== undefined && record !== undefined);
    assert.equal(record.size, message.length);
    await using reader = await ScriptClient.login(sandbox.address, ADMIN, PASSWORD);
    const fetched = await reader.say(
      `GET FETCH %(MBOXNAME user.anna PARTITION default UNIQUEID ${mailbox.uniqueid} GUID ${record.guid} UID 1)`,
    );
    const head = `MESSAGE %{default ${record.guid} ${message.length}}\r\n`;
    assert.deepEqual(fetched.untagged, [head + message.toString('latin1')]);
  });
});
