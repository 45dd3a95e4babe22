import assert from 'node:assert/strict';
import test from 'node:test';
import type { ScriptClient } from '../../lab/script-client.ts';
import {
  expectedCrc,
  guidOf,
  mailboxCommand,
  type TestMailbox,
  type TestRecord,
  upload,
  withSandbox,
} from '../../lab/with-sandbox.ts';

/** APPLY MAILBOX, check by check in the server's order (protocol 12). */

const CHECKSUM = 'NO IMAP_SYNC_CHECKSUM Checksum Failure';
const MOVED = 'NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid';
const CONTENTS = ['one', 'two', 'three'];
const RECORDS: TestRecord[] = CONTENTS.map((content, index) => ({
  uid: index + 1,
  modseq: index + 3,
  guid: guidOf(content),
  size: content.length,
  flags: index === 1 ? ['\\Flagged'] : [],
}));
const MAILBOX: TestMailbox = {
  name: 'user.anna',
  uniqueid: 'aaaa',
  highestmodseq: 5,
  lastUid: 3,
  records: RECORDS,
};

async function fill(client: ScriptClient): Promise<void> {
  assert.equal((await upload(client, CONTENTS)).final, 'OK success');
  await expect(client, { ...MAILBOX, crc: expectedCrc(RECORDS) }, 'OK success');
}

async function expect(client: ScriptClient, mailbox: TestMailbox, final: string): Promise<void> {
  assert.equal((await client.say(mailboxCommand(mailbox))).final, final);
}

function record(uid: number, changes: Partial<TestRecord>): TestRecord {
  const found = RECORDS[uid - 1];
  assert.ok(found !== undefined);
  return { ...found, ...changes };
}

test('a mailbox that was applied is told back with the same CRCs, records in order, flags in Cyrus order', async () => {
  await withSandbox({}, async (client) => {
    await fill(client);
    const [basic, annotations] = expectedCrc(RECORDS);
    const { untagged } = await client.say('GET FULLMAILBOX user.anna');
    assert.equal(untagged.length, 1);
    assert.match(
      untagged[0] ?? '',
      new RegExp(` SYNC_CRC ${basic} SYNC_CRC_ANNOT ${annotations} LAST_UID 3 HIGHESTMODSEQ 5 `),
    );
    assert.deepEqual(
      [...(untagged[0] ?? '').matchAll(/%\(UID (\d+)/g)].map(([, uid]) => uid),
      ['1', '2', '3'],
    );
    const twisted = record(2, { modseq: 6, flags: ['foo', '\\seen', '\\DELETED', 'Foo'] });
    await expect(client, { ...MAILBOX, highestmodseq: 6, records: [twisted] }, 'OK success');
    assert.match(
      (await client.say('GET FULLMAILBOX user.anna')).untagged[0] ?? '',
      /FLAGS \(\\Deleted \\Seen foo Foo\)/,
    );
  });
});

test('a uniqueid under another name, or another uniqueid under the name, is MOVED', async () => {
  await withSandbox({}, async (client) => {
    await fill(client);
    await expect(client, { ...MAILBOX, name: 'user.bob', records: [] }, MOVED);
    await expect(client, { ...MAILBOX, uniqueid: 'bbbb', records: [] }, MOVED);
  });
});

test('another uniqueid replaces the mailbox when it never held a message, or under FORCE', async () => {
  await withSandbox({}, async (client, sandbox) => {
    await expect(client, { ...MAILBOX, lastUid: 0, records: [] }, 'OK success');
    await expect(client, { ...MAILBOX, uniqueid: 'bbbb', lastUid: 0, records: [] }, 'OK success');
    assert.equal(sandbox.inspect().mailboxes['user.anna']?.uniqueid, 'bbbb');
    await upload(client, CONTENTS);
    await expect(client, { ...MAILBOX, uniqueid: 'bbbb' }, 'OK success');
    await expect(client, { ...MAILBOX, uniqueid: 'cccc' }, MOVED);
    await client.say('APPLY FORCE %()');
    await expect(client, { ...MAILBOX, uniqueid: 'cccc' }, 'OK success');
    assert.equal(sandbox.inspect().mailboxes['user.anna']?.records.length, 3);
  });
});

test('SINCE that does not match is CHANGED; zero CRCs in it match', async () => {
  await withSandbox({}, async (client) => {
    await fill(client);
    const [basic, annotations] = expectedCrc(RECORDS);
    const next = { ...MAILBOX, highestmodseq: 6, records: [] };
    const changed = 'NO IMAP_SYNC_CHANGED Changed since last sync';
    await expect(client, { ...next, since: [4, basic, annotations] }, changed);
    await expect(client, { ...next, since: [5, basic + 1, annotations] }, changed);
    await expect(client, { ...next, since: [5, basic, annotations + 1] }, changed);
    await expect(client, { ...next, since: [5, basic, annotations] }, 'OK success');
    await expect(client, { ...next, highestmodseq: 7, since: [6, 0, 0] }, 'OK success');
  });
});

test('another type is an unknown error; a sieve mailbox without SIEVE-MAILBOX has bad parameters', async () => {
  await withSandbox({}, async (client) => {
    await fill(client);
    await expect(client, { ...MAILBOX, type: 'c', records: [] }, 'NO Unknown error');
    const sieve = {
      ...MAILBOX,
      name: 'user.anna.#sieve',
      uniqueid: 'ssss',
      type: 'f',
      lastUid: 0,
      records: [],
    };
    await expect(client, sieve, 'NO IMAP_PROTOCOL_BAD_PARAMETERS');
    await client.say('APPLY CAPABILITIES (SIEVE-MAILBOX)');
    await expect(client, sieve, 'OK success');
  });
});

for (const [what, change] of [
  ['HIGHESTMODSEQ', { highestmodseq: 4 }],
  ['UIDVALIDITY', { uidvalidity: 6 }],
  ['LAST_UID', { lastUid: 2 }],
] as const) {
  test(`a lower ${what} than the replica's is a checksum failure, which FORCE overrides`, async () => {
    await withSandbox({}, async (client) => {
      await fill(client);
      await expect(client, { ...MAILBOX, records: [], ...change }, CHECKSUM);
      await client.say('APPLY FORCE %()');
      await expect(client, { ...MAILBOX, records: [], ...change }, 'OK success');
    });
  });
}

test('a lower XCONVMODSEQ is a checksum failure, an absent one is not', async () => {
  await withSandbox({}, async (client) => {
    await fill(client);
    await expect(client, { ...MAILBOX, records: [], extra: 'XCONVMODSEQ 9' }, 'OK success');
    await expect(client, { ...MAILBOX, records: [], extra: 'XCONVMODSEQ 8' }, CHECKSUM);
    await expect(client, { ...MAILBOX, records: [] }, 'OK success');
  });
});

test('a record that contradicts the replica is refused before anything is written', async () => {
  const cases: [what: string, records: TestRecord[]][] = [
    ['another GUID', [record(1, { modseq: 6, guid: guidOf('other') })]],
    ['a lower modseq', [record(2, { modseq: 3 })]],
    ['unknown below LAST_UID', [{ uid: 9, modseq: 6, guid: guidOf('nine') }]],
    ['good ones before a bad one', [record(1, { modseq: 6, flags: ['\\Seen'] }), record(2, { modseq: 3 })]],
  ];
  for (const [what, records] of cases) {
    await withSandbox({}, async (client, sandbox) => {
      await fill(client);
      await expect(client, { ...MAILBOX, highestmodseq: 6, lastUid: 9, records: [] }, 'OK success');
      const before = sandbox.inspect();
      await expect(client, { ...MAILBOX, highestmodseq: 7, lastUid: 9, records }, CHECKSUM);
      assert.deepEqual(sandbox.inspect(), before, what);
    });
  }
});

test('live on the master and expunged on the replica is a checksum failure; expunged on both is nothing', async () => {
  await withSandbox({}, async (client, sandbox) => {
    await fill(client);
    const gone = record(1, { modseq: 6, flags: ['\\Expunged'] });
    await expect(client, { ...MAILBOX, highestmodseq: 6, records: [gone] }, 'OK success');
    await expect(client, { ...MAILBOX, highestmodseq: 7, records: [record(1, { modseq: 7 })] }, CHECKSUM);
    const other = record(1, { modseq: 7, flags: ['\\Expunged'], guid: guidOf('other') });
    await expect(client, { ...MAILBOX, highestmodseq: 7, records: [other] }, 'OK success');
    assert.equal(sandbox.inspect().mailboxes['user.anna']?.records[0]?.guid, guidOf('one'));
  });
});

test('a CRC that differs at the end is refused, but all of the command is kept', async () => {
  await withSandbox({}, async (client, sandbox) => {
    await fill(client);
    await upload(client, ['four']);
    const four = { uid: 4, modseq: 6, guid: guidOf('four') };
    const wrong: [number, number] = [expectedCrc([...RECORDS, four])[0] ^ 1, 0];
    await expect(client, { ...MAILBOX, highestmodseq: 6, lastUid: 4, records: [four], crc: wrong }, CHECKSUM);
    const found = sandbox.inspect().mailboxes['user.anna'];
    assert.equal(found?.lastUid, 4);
    assert.equal(found?.records.length, 4);
  });
});

test('an expunged record without its message is stored as unlinked, and RESERVE does not find it', async () => {
  await withSandbox({}, async (client, sandbox) => {
    const gone = { uid: 1, modseq: 3, guid: guidOf('gone'), flags: ['\\Expunged'] };
    await expect(client, { ...MAILBOX, lastUid: 1, records: [gone] }, 'OK success');
    assert.equal(sandbox.inspect().mailboxes['user.anna']?.records[0]?.unlinked, true);
    const reserve = `APPLY RESERVE %(PARTITION default MBOXNAME (user.anna) GUID (${guidOf('gone')}))`;
    assert.deepEqual((await client.say(reserve)).untagged, [`MISSING (${guidOf('gone')})`]);
  });
});

const deaths: [what: string, prepare: (client: ScriptClient) => Promise<unknown>, mailbox: TestMailbox][] = [
  ['a GUID that was never staged', async () => undefined, MAILBOX],
  [
    'a GUID staged before RESTART',
    async (client) => [await upload(client, CONTENTS), await client.say('RESTART')],
    MAILBOX,
  ],
  ['a GUID staged on another partition', (client) => upload(client, CONTENTS, 'other'), MAILBOX],
  [
    'content that is not what its GUID says',
    (client) => client.say(`APPLY MESSAGE (%{default ${guidOf('one')} 3}\r\n`, 'ONE', ')'),
    { ...MAILBOX, records: RECORDS.slice(0, 1) },
  ],
  ['a record above LAST_UID', (client) => upload(client, CONTENTS), { ...MAILBOX, lastUid: 2 }],
  [
    'records that do not ascend',
    (client) => upload(client, CONTENTS),
    { ...MAILBOX, records: [...RECORDS].reverse() },
  ],
];
for (const [what, prepare, mailbox] of deaths) {
  test(`${what} ends the connection, changes nothing, and leaves the server alive`, async () => {
    await withSandbox({}, async (client, sandbox, log) => {
      await prepare(client);
      client.write(`${mailboxCommand(mailbox)}\r\n`);
      assert.equal(await client.line(), undefined);
      assert.deepEqual(sandbox.inspect().mailboxes, {});
      assert.ok(log.some((line) => line.includes('would have died')));
    });
  });
}

test('under FORCE a record whose modseq goes down meets the assertion of the real server', async () => {
  await withSandbox({}, async (client) => {
    await fill(client);
    await client.say('APPLY FORCE %()');
    client.write(`${mailboxCommand({ ...MAILBOX, records: [record(2, { modseq: 3 })] })}\r\n`);
    assert.match(
      (await client.line()) ?? '',
      /^\* Fatal error: Internal error: assertion failed: imap\/mailbox\.c/,
    );
    assert.equal(await client.line(), undefined);
  });
});

test('missing and mistyped fields are bad parameters, an unreadable record a protocol error', async () => {
  await withSandbox({}, async (client) => {
    const good = mailboxCommand({ ...MAILBOX, records: [] });
    for (const field of [
      'UNIQUEID',
      'MBOXNAME',
      'HIGHESTMODSEQ',
      'PARTITION',
      'LAST_UID',
      'ACL',
      'OPTIONS',
      'RECORD',
    ]) {
      const { final } = await client.say(good.replace(`${field} `, `X${field} `));
      assert.equal(final, 'NO IMAP_PROTOCOL_BAD_PARAMETERS', field);
    }
    assert.equal(
      (await client.say(good.replace('LAST_UID 3', 'LAST_UID x'))).final,
      'NO IMAP_PROTOCOL_BAD_PARAMETERS',
    );
    const bad = mailboxCommand(MAILBOX).replace('SIZE 3', 'SIZE x');
    assert.equal((await client.say(bad)).final, 'NO IMAP_PROTOCOL_ERROR Protocol error');
  });
});

test('an intermediate row is told with zeros, gives way to a mailbox of its name, and goes with its last child', async () => {
  await withSandbox({}, async (client) => {
    const row =
      'APPLY MAILBOX %(UNIQUEID iiii MBOXNAME user.anna.a MBOXTYPE i HIGHESTMODSEQ 4 CREATEDMODSEQ 3 FOLDERMODSEQ 4)';
    assert.equal((await client.say(row)).final, 'OK success');
    await expect(
      client,
      { ...MAILBOX, name: 'user.anna.a.b', uniqueid: 'bbbb', lastUid: 0, records: [] },
      'OK success',
    );
    const { untagged } = await client.say('GET USER anna');
    assert.match(
      untagged[0] ?? '',
      /^MAILBOX %\(UNIQUEID iiii MBOXNAME user\.anna\.a MBOXTYPE i SYNC_CRC 0 .* PARTITION NIL ACL NIL .*FOLDERMODSEQ 4\)$/,
    );
    assert.equal(untagged.length, 2);
    await client.say('APPLY UNMAILBOX user.anna.a.b');
    assert.deepEqual((await client.say('GET USER anna')).untagged, []);
    await client.say(row);
    await expect(
      client,
      { ...MAILBOX, name: 'user.anna.a', uniqueid: 'cccc', lastUid: 0, records: [] },
      'OK success',
    );
    assert.match(
      (await client.say('GET MAILBOXES (user.anna.a)')).untagged[0] ?? '',
      /UNIQUEID cccc MBOXNAME user\.anna\.a SYNC_CRC/,
    );
  });
});

test('a mailbox may be called like what every object has', async () => {
  await withSandbox({}, async (client, sandbox) => {
    for (const name of ['__proto__', 'constructor']) {
      const mailbox = { name, uniqueid: `id${name}`, highestmodseq: 1, lastUid: 0, records: [] };
      assert.equal((await client.say(mailboxCommand(mailbox))).final, 'OK success');
    }
    assert.deepEqual(Object.keys(sandbox.inspect().mailboxes).sort(), ['__proto__', 'constructor']);
  });
});

test('a keyword that no server takes is refused, and NIL is one that has to be quoted', async () => {
  await withSandbox({}, async (client, sandbox) => {
    const mailbox = (flags: string[]) => ({
      name: 'user.anna',
      uniqueid: 'abc',
      highestmodseq: 2,
      lastUid: 1,
      records: [{ uid: 1, modseq: 2, guid: guidOf('x'), flags: ['\\Expunged', ...flags] }],
    });
    assert.equal((await client.say(mailboxCommand(mailbox(['"a b"'])))).final, 'NO Unknown error');
    assert.equal((await client.say(mailboxCommand(mailbox(['"NIL"'])))).final, 'OK success');
    assert.deepEqual(sandbox.inspect().mailboxes['user.anna']?.records[0]?.flags, ['\\Expunged', 'NIL']);
  });
});
