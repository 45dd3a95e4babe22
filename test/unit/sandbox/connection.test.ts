import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { Fault } from '../../../src/sandbox/fault-script.ts';
import { startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { CommandReader } from '../../../src/sandbox/wire/command-reader.ts';
import { discard } from '../../../src/sandbox/wire/stage.ts';
import { ScriptClient } from '../../lab/script-client.ts';
import { settingsFor } from '../../lab/settings.ts';
import { guidOf, mailboxCommand, PASSWORD, USER, upload, withSandbox } from '../../lab/with-sandbox.ts';

const b64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

test('the banner says what is offered, and nothing of it after a unix socket let the client in', async () => {
  await withSandbox({ servername: 'replica', offer: { replicationArchive: true } }, async (_, sandbox) => {
    await using client = await ScriptClient.connect(sandbox.address);
    const { untagged, final } = await client.answer();
    assert.deepEqual(untagged, [
      'SASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-1',
      'COMPRESS DEFLATE',
      'SIEVE-MAILBOX',
      'REPLICATION-ARCHIVE',
    ]);
    assert.match(final, /^\* OK replica Cyrus sync server /);
  });
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  try {
    await using sandbox = await startSandbox({ directory, listen: { path: join(directory, 'socket') } });
    await using client = await ScriptClient.connect(sandbox.address);
    assert.deepEqual((await client.answer()).untagged, []);
    assert.equal((await client.say('GET USER anna')).final, 'OK success');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('our client stages on an archive partition that is offered', async () => {
  await withSandbox({ offer: { replicationArchive: true } }, async (_, sandbox) => {
    const settings = settingsFor(sandbox.server, {
      authname: USER,
      password: PASSWORD,
      stageToArchive: true,
    });
    const session = await connectReplica(settings);
    assert.equal(session.info.stagesToArchive, true);
    await session.exit();
  });
});

test('before login only harmless verbs are served; the wrong password is refused and the connection stays', async () => {
  await withSandbox({}, async (_, sandbox) => {
    await using client = await ScriptClient.connect(sandbox.address);
    await client.answer();
    const script: [command: string, final: string][] = [
      ['GET USER anna', 'NO Please authenticate first'],
      [`APPLY MESSAGE (%{default ${guidOf('hello')} 5}\r\nhello)`, 'NO Please authenticate first'],
      ['NOOP', 'OK Noop completed'],
      ['AUTHENTICATE BOGUS', 'NO no mechanism available'],
      [`AUTHENTICATE PLAIN ${b64(`\0${USER}\0wrong`)}`, 'NO authentication failure'],
      [`AUTHENTICATE PLAIN ${b64(`\0other\0${PASSWORD}`)}`, 'NO authentication failure'],
      ['AUTHENTICATE PLAIN', '+ '],
      ['*', 'BAD Client canceled authentication'],
      ['AUTHENTICATE LOGIN', `+ ${b64('Username:')}`],
      [b64(USER), `+ ${b64('Password:')}`],
      [b64(PASSWORD), 'OK Success (no protection)'],
      [`AUTHENTICATE PLAIN ${b64(`\0${USER}\0${PASSWORD}`)}`, 'BAD Already authenticated'],
      ['GET USER anna', 'OK success'],
    ];
    for (const [command, final] of script) assert.equal((await client.say(command)).final, final, command);
    assert.deepEqual(sandbox.inspect().contents, {});
  });
});

test('a value that takes much memory is for those alone who have logged in', async () => {
  await withSandbox({}, async (client, sandbox) => {
    const names = `GET MAILBOXES (${'user.anna '.repeat(2_000)})`;
    assert.equal((await client.say(names)).final, 'OK success');
    await using stranger = await ScriptClient.connect(sandbox.address);
    await stranger.answer();
    for (const command of [names, 'APPLY MAILBOX %(ACL {1000000+}']) {
      assert.match((await stranger.say(command)).final, /^BAD IMAP_PROTOCOL_ERROR Failed to parse /);
    }
    assert.equal((await stranger.say('NOOP')).final, 'OK Noop completed');
  });
});

for (const [mechanism, hash] of [
  ['SCRAM-SHA-1', 'sha1'],
  ['SCRAM-SHA-256', 'sha256'],
] as const) {
  test(`${mechanism}: the right password proves both sides, a wrong one nothing`, async () => {
    await withSandbox({}, async (_, sandbox) => {
      for (const password of [PASSWORD, 'wrong']) {
        await using client = await ScriptClient.connect(sandbox.address);
        await client.answer();
        const bare = `n=${USER},r=clientnonce`;
        const first = await client.say(`AUTHENTICATE ${mechanism} ${b64(`n,,${bare}`)}`);
        const serverFirst = Buffer.from(first.final.slice(2), 'base64').toString('latin1');
        const [, nonce = '', salt = '', rounds = ''] =
          /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
        assert.ok(nonce.startsWith('clientnonce') && nonce.length > 20);
        const length = createHash(hash).digest().length;
        const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), length, hash);
        const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest();
        const clientKey = hmac(salted, 'Client Key');
        const auth = `${bare},${serverFirst},c=biws,r=${nonce}`;
        const signature = hmac(createHash(hash).update(clientKey).digest(), auth);
        const proof = Buffer.from(clientKey.map((octet, index) => octet ^ (signature[index] ?? 0)));
        const last = await client.say(b64(`c=biws,r=${nonce},p=${proof.toString('base64')}`));
        if (password === PASSWORD) {
          const verifier = hmac(hmac(salted, 'Server Key'), auth).toString('base64');
          assert.equal(last.final, `+ ${b64(`v=${verifier}`)}`);
          assert.equal((await client.say('')).final, 'OK Success (no protection)');
        } else {
          assert.equal(last.final, 'NO authentication failure');
        }
      }
    });
  });
}

test('without a password nobody gets in', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  try {
    await using sandbox = await startSandbox({ directory, listen: { host: '127.0.0.1', port: 0 } });
    await using client = await ScriptClient.connect(sandbox.address);
    await client.answer();
    const plain = `AUTHENTICATE PLAIN ${b64(`\0${USER}\0undefined`)}`;
    assert.equal((await client.say(plain)).final, 'NO authentication failure');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('after COMPRESS both directions are deflated, commands sent ahead included', async () => {
  await withSandbox({}, async (client, sandbox) => {
    assert.equal((await client.say('COMPRESS LZ4')).final, 'NO Unknown compression algorithm: LZ4');
    await client.compress();
    assert.equal((await client.say('COMPRESS DEFLATE')).final, 'NO Compression already active: DEFLATE');
    const contents = Array.from({ length: 50 }, (_, index) => Buffer.alloc(20_000, `message ${index} `));
    assert.equal((await upload(client, contents)).final, 'OK success');
    const records = contents.map((content, index) => ({ uid: index + 1, modseq: 3, guid: guidOf(content) }));
    const mailbox = { name: 'user.anna', uniqueid: 'aaaa', highestmodseq: 3, lastUid: 50, records };
    client.write(`${mailboxCommand(mailbox)}\r\nGET FULLMAILBOX user.anna\r\nNOOP\r\n`);
    assert.equal((await client.answer()).final, 'OK success');
    assert.equal((await client.answer()).untagged.length, 1);
    assert.equal((await client.answer()).final, 'OK Noop completed');
    assert.equal(sandbox.counts().messages, 50);
  });
  await withSandbox({ offer: { compression: false } }, async (client) => {
    assert.equal((await client.say('COMPRESS DEFLATE')).final, 'NO Unknown compression algorithm: DEFLATE');
  });
});

test('a large answer waits for a client that reads late, and other clients are served meanwhile', async () => {
  await withSandbox({}, async (client, sandbox) => {
    const records = Array.from({ length: 8000 }, (_, index) => ({
      uid: index + 1,
      modseq: 3,
      guid: guidOf(String(index)),
      flags: ['\\Expunged'],
      annotations: [{ entry: '/comment', value: 'x'.repeat(1000) }],
    }));
    const mailbox = { name: 'user.anna', uniqueid: 'aaaa', highestmodseq: 3, lastUid: 8000, records };
    assert.equal((await client.say(mailboxCommand(mailbox))).final, 'OK success');
    client.pause();
    client.write('GET FULLMAILBOX user.anna\r\n');
    await using other = await ScriptClient.login(sandbox.address, USER, PASSWORD);
    assert.equal((await other.say('GET USER anna')).untagged.length, 1);
    client.resume();
    const { untagged } = await client.answer();
    assert.equal(untagged[0]?.match(/%\(UID /g)?.length, 8000);
  });
});

test('commands come out the same however the octets were cut', async () => {
  const stream = Buffer.from(
    [
      'noop',
      `AUTHENTICATE PLAIN ${b64('x')}`,
      'GET USER anna',
      `APPLY MESSAGE (%{default ${guidOf('hello')} 5}\r\nhello NIL %{default ${guidOf('')} 0}\r\n)`,
      'apply Annotation %(VALUE {4+}\r\na\r\nb ENTRY "x y")',
      'APPLY FORCE',
      '',
      'EXIT',
      '',
    ].join('\r\n'),
    'latin1',
  );
  const read = async (cuts: number[]) => {
    const edges = [0, ...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length];
    const chunks = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge));
    let files = '';
    const reader = new CommandReader({
      more: async () => chunks.shift(),
      begins: () => undefined,
      openFile: (_, partition, guid, size) => {
        const sink = discard(partition, guid, size);
        const write = (piece: Buffer) => {
          files += piece.toString('latin1');
        };
        return { ...sink, write };
      },
      progress: () => undefined,
      isLoggedIn: () => true,
      record: (command) => command.startsWith('APPLY'),
    });
    const commands = [];
    for (let next = await reader.next(); next !== undefined; next = await reader.next()) commands.push(next);
    return { commands, files };
  };
  const whole = await read([]);
  assert.deepEqual(
    whole.commands.map(({ verb, name }) => `${verb} ${name}`.trim()),
    ['NOOP', 'AUTHENTICATE', 'GET USER', 'APPLY MESSAGE', 'APPLY ANNOTATION', 'APPLY FORCE', '', 'EXIT'],
  );
  assert.equal(whole.files, 'hello');
  assert.equal(
    whole.commands[3]?.text,
    `APPLY MESSAGE (%{default ${guidOf('hello')} 5}\r\n NIL %{default ${guidOf('')} 0}\r\n)`,
  );
  assert.equal(whole.commands[4]?.text, 'APPLY ANNOTATION %(VALUE {4+}\r\na\r\nb ENTRY "x y")');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), async (cuts) => {
      // An empty chunk is a chunk: a reader must not take it for the end.
      assert.deepEqual(await read(cuts), whole);
    }),
  );
});

const FAULTS: [fault: Fault, after: string | undefined, done: boolean][] = [
  [
    { on: 'APPLY SUB', do: 'no', text: 'IMAP_MAILBOX_LOCKED Mailbox locked' },
    'NO IMAP_MAILBOX_LOCKED Mailbox locked',
    false,
  ],
  [{ on: 'APPLY SUB', do: 'bad' }, 'BAD IMAP_PROTOCOL_ERROR Protocol error', false],
  [{ on: 'APPLY SUB', do: 'bye' }, 'BYE shutting down', false],
  [{ on: 'APPLY SUB', do: 'cut-before' }, undefined, false],
  [{ on: 'APPLY SUB', do: 'cut-after' }, undefined, true],
  [{ on: 'APPLY SUB', do: 'cut-inside', octets: 20 }, undefined, false],
  [{ on: 'APPLY SUB', do: 'garbage', text: '\x00%(\r\n' }, '\x00%(', true],
  [{ on: 'APPLY SUB', do: 'delay', milliseconds: 1 }, 'OK success', true],
];
for (const [fault, after, done] of FAULTS) {
  test(`fault ${fault.do}: ${after ?? 'no answer'}, the command is ${done ? '' : 'not '}done, and it strikes once`, async () => {
    await withSandbox({ faults: [fault] }, async (client, sandbox) => {
      client.write('APPLY SUB %(USERID anna MBOXNAME user.anna)\r\n');
      assert.equal(await client.line(), after);
      assert.equal('anna' in sandbox.inspect().users, done);
      await using next = await ScriptClient.login(sandbox.address, USER, PASSWORD);
      assert.equal((await next.say('APPLY SUB %(USERID anna MBOXNAME user.anna)')).final, 'OK success');
    });
  });
}

test('faults choose by mailbox, by user, by occurrence, and tell how often they struck', async () => {
  await withSandbox({}, async (client, sandbox) => {
    const byMailbox = sandbox.inject({ on: 'GET MAILBOXES', mailbox: 'user.bob.x', do: 'bad', text: 'b' });
    const byUser = sandbox.inject({
      on: 'GET FULLMAILBOX',
      user: 'anna.b',
      nth: 2,
      times: 2,
      do: 'no',
      text: 'u',
    });
    const say = async (command: string) => (await client.say(command)).final;
    assert.equal(await say('GET MAILBOXES (user.bob)'), 'OK success');
    assert.equal(await say('GET MAILBOXES (user.anna user.bob.x)'), 'BAD b');
    assert.equal(await say('GET MAILBOXES (user.bob.x)'), 'OK success');
    const nonexistent = 'NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox';
    for (const expected of [nonexistent, 'NO u', 'NO u', nonexistent]) {
      assert.equal(await say('GET FULLMAILBOX user.bob'), nonexistent);
      assert.equal(await say('GET FULLMAILBOX user.anna^b.x'), expected);
    }
    assert.deepEqual([byMailbox(), byUser()], [1, 2]);
    sandbox.clearFaults();
  });
});

test('a stalled command is never answered, and the sandbox closes all the same', async () => {
  await withSandbox({ faults: [{ on: 'NOOP', do: 'stall' }] }, async (client, sandbox) => {
    client.write('NOOP\r\n');
    await using other = await ScriptClient.login(sandbox.address, USER, PASSWORD);
    assert.equal((await other.say('NOOP')).final, 'OK Noop completed');
    assert.ok(client.isOpen);
    await sandbox.close();
    assert.equal(await client.line(), undefined);
  });
});

test('a fault on CONNECT meets the client before the banner', async () => {
  await withSandbox({ faults: [{ on: 'CONNECT', nth: 2, do: 'cut-before' }] }, async (_, sandbox) => {
    await using refused = await ScriptClient.connect(sandbox.address);
    assert.equal(await refused.line(), undefined);
    await using served = await ScriptClient.connect(sandbox.address);
    assert.match((await served.answer()).final, /^\* OK/);
  });
});

test('byeAll says BYE and ends; cutAll ends without a word; the sandbox goes on', async () => {
  await withSandbox({}, async (client, sandbox) => {
    sandbox.byeAll();
    assert.equal(await client.line(), 'BYE shutting down');
    assert.equal(await client.line(), undefined);
    await using second = await ScriptClient.login(sandbox.address, USER, PASSWORD);
    sandbox.cutAll();
    assert.equal(await second.line(), undefined);
    await using third = await ScriptClient.login(sandbox.address, USER, PASSWORD);
    assert.equal((await third.say('NOOP')).final, 'OK Noop completed');
  });
});

test('recorded commands are what was sent, literals in, message files out', async () => {
  await withSandbox({ recordCommands: true }, async (client, sandbox) => {
    await upload(client, ['secret body']);
    const record = {
      uid: 1,
      modseq: 3,
      guid: guidOf('secret body'),
      annotations: [{ entry: '/comment', value: 'a\r\nb' }],
    };
    const command = mailboxCommand({
      name: 'user.anna',
      uniqueid: 'aaaa',
      highestmodseq: 3,
      lastUid: 1,
      records: [record],
    });
    await client.say(command);
    await client.say('GET USER anna');
    assert.deepEqual(
      sandbox.recorded.map(({ command: name, text }) => [name, text]),
      [
        ['APPLY MESSAGE', `APPLY MESSAGE (%{default ${guidOf('secret body')} 11}\r\n)`],
        ['APPLY MAILBOX', command],
      ],
    );
  });
});

test('options that cannot be are refused with what was found', async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  for (const [options, found] of [
    [{ directory: '', listen }, /found nothing/],
    [{ directory: '/tmp/x', listen: { ...listen, port: 70000 } }, /found 70000/],
    [{ directory: join(import.meta.filename, 'below'), listen }, /connection\.test\.js\/below/],
  ] as const) {
    await assert.rejects(
      startSandbox(options),
      (error) => error instanceof SyncError && found.test(error.message),
    );
  }
});
