import assert from 'node:assert/strict';
import test from 'node:test';
import type { ScriptClient } from '../../lab/script-client.ts';
import { guidOf, mailboxCommand, upload, withSandbox } from '../../lab/with-sandbox.ts';

const OK = 'OK success';

async function makeMailbox(
  client: ScriptClient,
  name: string,
  uniqueid: string,
  contents: string[] = [],
): Promise<void> {
  if (contents.length > 0) await upload(client, contents);
  const records = contents.map((content, index) => ({
    uid: index + 1,
    modseq: 3,
    guid: guidOf(content),
    size: 3,
  }));
  const { final } = await client.say(
    mailboxCommand({ name, uniqueid, highestmodseq: 3, lastUid: contents.length, records }),
  );
  assert.equal(final, OK);
}

const namesIn = (lines: string[]) =>
  lines.flatMap((line) => /^MAILBOX %\(UNIQUEID \S+ MBOXNAME (\S+)/.exec(line)?.[1] ?? []);

test('probes of a stranger are answered as the real server answers them', async () => {
  await withSandbox({}, async (client) => {
    await makeMailbox(client, 'user.anna', 'aaaa', ['one']);
    await makeMailbox(client, 'user.bob', 'bbbb');
    const probes: [command: string, final: string][] = [
      ['GET SIEVE anna', 'NO IMAP_PROTOCOL_ERROR Protocol error'],
      ['APPLY NONSENSE x', 'NO IMAP_PROTOCOL_ERROR Protocol error'],
      ['GET FULLMAILBOX user.nope', 'NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox'],
      ['APPLY MAILBOX %(UNIQUEID x)', 'NO IMAP_PROTOCOL_BAD_PARAMETERS'],
      [
        'APPLY EXPUNGE %(MBOXNAME user.anna UNIQUEID wrong UID (1))',
        'NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid',
      ],
      ['APPLY RENAME %(OLDMBOXNAME user.anna NEWMBOXNAME user.bob PARTITION default)', 'NO Unknown error'],
      [
        'APPLY RENAME %(OLDMBOXNAME user.nope NEWMBOXNAME user.x PARTITION default)',
        'NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox',
      ],
      ['APPLY RESERVE %(PARTITION default MBOXNAME () GUID (abc))', 'NO IMAP_PROTOCOL_BAD_PARAMETERS'],
      ['APPLY UNMAILBOX user.nope', 'NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox'],
      ['APPLY UNUSER nobody', OK],
      ['APPLY UNQUOTA user.nobody', OK],
      ['GET QUOTA user.nobody', OK],
      ['GET USER nobody', OK],
      ['GET USER %(USERID anna)', OK],
      ['GET MAILBOXES ()', OK],
      ['APPLY MESSAGE (NIL)', OK],
      ['get mailboxes (user.nope)', OK],
      ['NOOP', 'OK Noop completed'],
      ['NONSENSE', 'BAD IMAP_PROTOCOL_ERROR Unrecognized command'],
      ['', 'BAD Null command'],
      ['APPLY FORCE %() x', 'BAD Unexpected extra arguments to APPLY'],
      ['APPLY SUB %(USERID)', 'BAD IMAP_PROTOCOL_ERROR Failed to parse APPLY line'],
      ['RESTART', 'OK Restarting'],
    ];
    for (const [command, final] of probes) assert.equal((await client.say(command)).final, final, command);
  });
});

test('five commands in one write are answered in order', async () => {
  await withSandbox({}, async (client) => {
    client.write('NOOP\r\nGET MAILBOXES ()\r\nRESTART\r\nAPPLY CAPABILITIES (X)\r\nEXIT\r\n');
    const finals = [];
    for (let i = 0; i < 5; i++) finals.push((await client.answer()).final);
    assert.deepEqual(finals, ['OK Noop completed', OK, 'OK Restarting', OK, 'OK Finished']);
    assert.equal(await client.line(), undefined);
  });
});

test('GET USER tells the mailboxes of that user only, deleted ones last, and their quota roots once', async () => {
  await withSandbox({}, async (client) => {
    const names = [
      'user.anna-b',
      'user.anna.a-b',
      'user.anna.a.b',
      'user.anna',
      'DELETED.user.anna.x.6B04',
      'user.annabel',
    ];
    for (const [index, name] of names.entries()) await makeMailbox(client, name, `u${index}`);
    await client.say('APPLY QUOTA %(ROOT user.anna LIMIT 50 STORAGE 50 MESSAGE 9 MODSEQ 3)');
    const { untagged } = await client.say('GET USER anna');
    assert.deepEqual(namesIn(untagged), [
      'user.anna',
      'user.anna.a.b',
      'user.anna.a-b',
      'DELETED.user.anna.x.6B04',
    ]);
    assert.deepEqual(untagged.slice(4), ['QUOTA %(ROOT user.anna LIMIT 50 STORAGE 50 MESSAGE 9 MODSEQ 3)']);
    assert.match(untagged[1] ?? '', / QUOTAROOT user\.anna /);
    assert.doesNotMatch(untagged[3] ?? '', /QUOTAROOT/);
    assert.deepEqual(namesIn((await client.say('GET UNIQUEIDS (u5 u9 u0)')).untagged), [
      'user.annabel',
      'user.anna-b',
    ]);
  });
});

test('userids with dots and domains find their mailboxes', async () => {
  await withSandbox({}, async (client) => {
    await makeMailbox(client, 'example.com!user.b^s', 'aaaa');
    await makeMailbox(client, 'example.com!DELETED.user.b^s.6B', 'bbbb');
    await makeMailbox(client, 'user.c^d', 'cccc');
    const { untagged } = await client.say('GET USER b.s@example.com');
    assert.deepEqual(namesIn(untagged), ['example.com!user.b^s', 'example.com!DELETED.user.b^s.6B']);
    assert.deepEqual(namesIn((await client.say('GET USER c.d')).untagged), ['user.c^d']);
  });
});

test('RENAME moves records along, into DELETED too; XCONVMODSEQ is not told there', async () => {
  await withSandbox({}, async (client, sandbox) => {
    await makeMailbox(client, 'user.anna.f', 'aaaa', ['one', 'two']);
    await client.say(
      mailboxCommand({
        name: 'user.anna.f',
        uniqueid: 'aaaa',
        highestmodseq: 4,
        lastUid: 2,
        records: [],
        extra: 'XCONVMODSEQ 4',
      }),
    );
    const before = sandbox.inspect().mailboxes['user.anna.f'];
    const rename =
      'APPLY RENAME %(OLDMBOXNAME user.anna.f NEWMBOXNAME DELETED.user.anna.f.6B PARTITION default UIDVALIDITY 8)';
    assert.equal((await client.say(rename)).final, OK);
    const { mailboxes } = sandbox.inspect();
    assert.deepEqual(Object.keys(mailboxes), ['DELETED.user.anna.f.6B']);
    assert.deepEqual(mailboxes['DELETED.user.anna.f.6B'], {
      ...before,
      name: 'DELETED.user.anna.f.6B',
      uidvalidity: 8,
      foldermodseq: 4,
    });
    assert.doesNotMatch((await client.say('GET UNIQUEIDS (aaaa)')).untagged[0] ?? '', /XCONVMODSEQ/);
    const move =
      'APPLY RENAME %(OLDMBOXNAME DELETED.user.anna.f.6B NEWMBOXNAME DELETED.user.anna.f.6B PARTITION slow)';
    assert.equal((await client.say(move)).final, OK);
    assert.match((await client.say('GET UNIQUEIDS (aaaa)')).untagged[0] ?? '', / PARTITION slow /);
  });
});

test('RESERVE finds copies in the named mailboxes only, and a reserved GUID may be used', async () => {
  await withSandbox({}, async (client) => {
    await makeMailbox(client, 'user.anna', 'aaaa', ['one']);
    await makeMailbox(client, 'user.bob', 'bbbb', ['two']);
    await client.say('RESTART');
    const guids = ['one', 'two', 'three'].map(guidOf);
    const reserve = `APPLY RESERVE %(PARTITION default MBOXNAME (user.anna user.nope) GUID (${guids.join(' ')}))`;
    assert.deepEqual((await client.say(reserve)).untagged, [`MISSING (${guids.slice(1).join(' ')})`]);
    const record = { uid: 1, modseq: 3, guid: guidOf('one'), size: 3 };
    const copy = {
      name: 'user.anna.copy',
      uniqueid: 'cccc',
      highestmodseq: 3,
      lastUid: 1,
      records: [record],
    };
    assert.equal((await client.say(mailboxCommand(copy))).final, OK);
    const all = `APPLY RESERVE %(PARTITION default MBOXNAME (user.bob user.anna.copy) GUID (${guids[0]} ${guids[1]}))`;
    assert.deepEqual((await client.say(all)).untagged, []);
  });
});

test('contents live as long as a record or a stage needs them', async () => {
  await withSandbox({}, async (client, sandbox) => {
    const kept = () => Object.keys(sandbox.inspect().contents).sort();
    await upload(client, ['one', 'two']);
    assert.equal(kept().length, 2);
    await client.say('RESTART');
    assert.deepEqual(kept(), []);
    await makeMailbox(client, 'user.anna', 'aaaa', ['one', 'two']);
    await makeMailbox(client, 'user.bob', 'bbbb', ['two']);
    await client.say('RESTART');
    assert.equal(kept().length, 2);
    await client.say('APPLY UNMAILBOX user.anna');
    assert.deepEqual(kept(), [guidOf('two')]);
    const reserve = `APPLY RESERVE %(PARTITION default MBOXNAME (user.bob) GUID (${guidOf('two')}))`;
    assert.deepEqual((await client.say(reserve)).untagged, []);
    await client.say('APPLY UNUSER bob');
    assert.deepEqual(kept(), [guidOf('two')], 'a staged message went with its last record');
    await client.say('RESTART');
    assert.deepEqual(kept(), []);
  });
});

test('messages of all sizes, octets of all kinds, come back as they were sent', async () => {
  await withSandbox({}, async (client) => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    const contents = [Buffer.alloc(0), every, Buffer.alloc(70_000, 'x\r\n'), Buffer.alloc(5_000_000, every)];
    await upload(client, contents);
    const records = contents.map((content, index) => ({
      uid: index + 1,
      modseq: 3,
      guid: guidOf(content),
      size: content.length,
    }));
    const mailbox = { name: 'user.anna', uniqueid: 'aaaa', highestmodseq: 3, lastUid: 4, records };
    assert.equal((await client.say(mailboxCommand(mailbox))).final, OK);
    for (const [index, content] of contents.entries()) {
      const guid = guidOf(content);
      const address = `MBOXNAME user.anna PARTITION default UNIQUEID aaaa GUID ${guid} UID ${index + 1}`;
      const { untagged } = await client.say(`GET FETCH %(${address})`);
      assert.equal(untagged.length, 1);
      assert.ok(
        untagged[0] === `MESSAGE %{default ${guid} ${content.length}}\r\n${content.toString('latin1')}`,
        `message ${index}`,
      );
    }
    const wrong = `GET FETCH %(MBOXNAME user.anna PARTITION default UNIQUEID aaaa GUID ${guidOf('')} UID 9)`;
    assert.equal((await client.say(wrong)).final, 'NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox');
  });
});

test('EXPUNGE marks without a new modseq and skips what it does not know', async () => {
  await withSandbox({}, async (client, sandbox) => {
    await makeMailbox(client, 'user.anna', 'aaaa', ['one', 'two']);
    assert.equal((await client.say('APPLY EXPUNGE %(MBOXNAME user.anna UNIQUEID aaaa UID (9 2))')).final, OK);
    const unknownLast = 'APPLY EXPUNGE %(MBOXNAME user.anna UNIQUEID aaaa UID (9))';
    assert.equal((await client.say(unknownLast)).final, 'NO Unknown error');
    const mailbox = sandbox.inspect().mailboxes['user.anna'];
    assert.equal(mailbox?.highestmodseq, 3);
    assert.deepEqual(
      mailbox?.records.map(({ flags, modseq }) => [flags, modseq]),
      [
        [[], 3],
        [['\\Expunged'], 3],
      ],
    );
  });
});

test('subscriptions, seen state and quota are kept, told and removed', async () => {
  await withSandbox({}, async (client) => {
    await makeMailbox(client, 'user.anna', 'aaaa');
    await client.say('APPLY SUB %(USERID anna MBOXNAME "user.bob.a b")');
    await client.say('APPLY SUB %(USERID anna MBOXNAME user.anna)');
    await client.say(
      'APPLY SEEN %(USERID anna UNIQUEID zzzz LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS 1:2,4)',
    );
    await client.say('APPLY SEEN %(USERID anna UNIQUEID zzzz LASTREAD 5 LASTUID 2 LASTCHANGE 3 SEENUIDS "")');
    assert.deepEqual((await client.say('GET META anna')).untagged, [
      'SEEN %(UNIQUEID zzzz LASTREAD 5 LASTUID 2 LASTCHANGE 3 SEENUIDS "")',
      'LSUB (user.anna "user.bob.a b")',
    ]);
    await client.say('APPLY UNSUB %(USERID anna MBOXNAME user.anna)');
    assert.equal((await client.say('GET META anna')).untagged[1], 'LSUB ("user.bob.a b")');
    await client.say('APPLY QUOTA %(ROOT user.anna LIMIT 4294967295 X-NUM-FOLDERS 3 MODSEQ 4)');
    assert.deepEqual((await client.say('GET QUOTA user.anna')).untagged, [
      'QUOTA %(ROOT user.anna LIMIT 4294967295 X-NUM-FOLDERS 3 MODSEQ 4)',
    ]);
    await client.say('APPLY UNUSER anna');
    assert.deepEqual((await client.say('GET META anna')).untagged, []);
    assert.deepEqual((await client.say('GET QUOTA user.anna')).untagged, []);
    assert.equal(
      (await client.say('APPLY SEEN %(USERID anna UNIQUEID zzzz)')).final,
      'NO IMAP_PROTOCOL_BAD_PARAMETERS',
    );
  });
});

test('subscriptions go with the uniqueid of the INBOX, as 3.6 keeps them: lost when sent before it, taken along when it is renamed', async () => {
  await withSandbox({}, async (client) => {
    const subscribed = async (userid: string) => (await client.say(`GET META ${userid}`)).untagged;
    await client.say('APPLY SUB %(USERID anna MBOXNAME early)');
    await makeMailbox(client, 'user.anna', 'aaaa');
    assert.deepEqual(await subscribed('anna'), []);
    await client.say('APPLY SUB %(USERID anna MBOXNAME user.anna)');
    await client.say(
      'APPLY RENAME %(OLDMBOXNAME user.anna NEWMBOXNAME user.bob PARTITION default UIDVALIDITY 7)',
    );
    assert.deepEqual(await subscribed('bob'), ['LSUB (user.anna)']);
    assert.deepEqual(await subscribed('anna'), ['LSUB (user.anna)'], 'the old name still leads there');
    await client.say('APPLY UNUSER anna');
    assert.deepEqual(await subscribed('bob'), [], 'which is what has to be guarded against');
  });
});

test('annotations of mailboxes and of the server are set and removed; literals are printed as servers do', async () => {
  await withSandbox({}, async (client) => {
    await makeMailbox(client, 'user.anna', 'aaaa');
    for (const name of ['user.anna', '""']) {
      await client.say(
        `APPLY ANNOTATION %(MBOXNAME ${name} ENTRY /comment USERID "" VALUE {6+}\r\n50% "\xe4)`,
      );
      await client.say(`APPLY ANNOTATION %(MBOXNAME ${name} ENTRY /comment USERID anna VALUE mine)`);
      assert.deepEqual((await client.say(`GET ANNOTATION ${name}`)).untagged, [
        `ANNOTATION %(MBOXNAME ${name} ENTRY /comment USERID "" VALUE {6}\r\n50% "\xe4)`,
        `ANNOTATION %(MBOXNAME ${name} ENTRY /comment USERID anna VALUE mine)`,
      ]);
      await client.say(`APPLY UNANNOTATION %(MBOXNAME ${name} ENTRY /comment USERID "")`);
      assert.equal((await client.say(`GET ANNOTATION ${name}`)).untagged.length, 1);
    }
    assert.match(
      (await client.say('GET MAILBOXES (user.anna)')).untagged[0] ?? '',
      /ANNOTATIONS \(%\(ENTRY \/comment USERID anna MODSEQ 0 VALUE mine\)\)\)$/,
    );
  });
});

test('scripts without #sieve: uploaded, activated, and active for ever, as 3.6 has it', async () => {
  await withSandbox({}, async (client) => {
    await makeMailbox(client, 'user.anna', 'aaaa');
    await client.say('APPLY SIEVE %(USERID anna FILENAME a.script LAST_UPDATE 9 CONTENT {5+}\r\nkeep;)');
    await client.say('APPLY SIEVE %(USERID anna FILENAME a.bc LAST_UPDATE 9 CONTENT {1+}\r\nx)');
    const source = `SIEVE %(FILENAME a.script LAST_UPDATE 9 GUID ${guidOf('keep;')} ISACTIVE 0)`;
    const compiled = `SIEVE %(FILENAME a.bc LAST_UPDATE 0 GUID ${'0'.repeat(40)} ISACTIVE 1)`;
    assert.deepEqual((await client.say('GET META anna')).untagged, [source]);
    assert.equal(
      (await client.say('APPLY ACTIVATE_SIEVE %(USERID anna FILENAME nope.bc)')).final,
      'NO Unknown error',
    );
    assert.equal((await client.say('APPLY ACTIVATE_SIEVE %(USERID anna FILENAME a.bc)')).final, OK);
    assert.equal((await client.say('APPLY UNSIEVE %(USERID anna FILENAME a.bc)')).final, OK);
    assert.deepEqual((await client.say('GET META anna')).untagged, [source, compiled]);
    assert.deepEqual((await client.say('GET FETCH_SIEVE %(USERID anna FILENAME a.script)')).untagged, [
      'SIEVE %(USERID anna FILENAME a.script CONTENT {5}\r\nkeep;)',
    ]);
    assert.equal((await client.say('APPLY UNACTIVATE_SIEVE %(USERID anna)')).final, OK);
    assert.deepEqual((await client.say('GET META anna')).untagged, [source]);
    await client.say('APPLY CAPABILITIES (SIEVE-MAILBOX)');
    assert.deepEqual((await client.say('GET META anna')).untagged, []);
  });
});

test('what is above the size of a literal, or for a partition that is not there, is the end of the connection', async () => {
  await withSandbox({ partitions: ['default'] }, async (client) => {
    client.write(`APPLY MESSAGE (%{nopart ${guidOf('hello')} 5}\r\nhello)\r\n`);
    assert.equal(
      await client.line(),
      '* Fatal error: Internal error: assertion failed: imap/dlist.c: 160: base != NULL',
    );
    assert.equal(await client.line(), undefined);
  });
  await withSandbox({}, async (client) => {
    const size = 131073;
    client.write(
      `APPLY SIEVE %(USERID anna FILENAME a.script LAST_UPDATE 9 CONTENT {${size}+}\r\n${'x'.repeat(size)})\r\n`,
    );
    assert.equal(await client.line(), '* Fatal error: [TOOBIG] Literal size exceeds fixed limit');
    assert.equal(await client.line(), undefined);
  });
});

test('a directory keeps everything from one sandbox to the next, except what was only staged', async () => {
  await withSandbox({}, async (client, sandbox) => {
    await makeMailbox(client, 'user.anna', 'aaaa', ['one']);
    await client.say('APPLY SUB %(USERID anna MBOXNAME user.anna)');
    const before = sandbox.inspect();
    await upload(client, ['two']);
    const { startSandbox } = await import('../../../src/sandbox/start-sandbox.ts');
    const directory = sandbox.directory;
    await sandbox.close();
    await using again = await startSandbox({ directory, listen: { host: '127.0.0.1', port: 0 } });
    assert.deepEqual(again.inspect(), before);
  });
});
