import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { appliedCommands, sentCommands } from '../../lab/assert-same-mail.ts';
import { mailboxNameFromText, parseImapLine, quoteImap } from '../../lab/imap-values.ts';
import { unpackFixture } from '../../lab/unpack-fixture.ts';

test('IMAP answers: atoms, quoted strings with escapes, literals, NIL and nested lists', () => {
  const line =
    '1 FETCH (FLAGS (\\Seen $Label1) BODY[HEADER.FIELDS (DATE)] {5}\r\na(b"\n X "q\\"\\\\" Y NIL Z "NIL")';
  assert.deepEqual(parseImapLine(line), [
    '1',
    'FETCH',
    [
      'FLAGS',
      ['\\Seen', '$Label1'],
      'BODY[HEADER.FIELDS (DATE)]',
      'a(b"\n',
      'X',
      'q"\\',
      'Y',
      null,
      'Z',
      'NIL',
    ],
  ]);
  assert.throws(() => parseImapLine('LIST (\\X "/" a'), /open bracket/);
});

test('mailbox names are written in modified UTF-7', () => {
  assert.equal(mailboxNameFromText('Entwürfe & 日本語'), 'Entw&APw-rfe &- &ZeVnLIqe-');
  assert.equal(quoteImap('a"b\\c'), '"a\\"b\\\\c"');
  assert.throws(() => quoteImap('ü'), /cannot be an IMAP quoted string/);
});

test('a command that a transcript shows in two chunks is still found, and received lines are not', () => {
  const transcript = [
    '>1795503656>GET USER anna\r\n',
    '<1795503656<* MAILBOX %(UNIQUEID x)\r\nOK success\r\n',
    '>1795503656>APP>1795503656>LY MAILBOX %(UNIQUEID x)\r\n',
    'cyrus/sync_client[12]: a log line between\n',
    '>1795503656>APPLY CAPABILITIES SIEVE-MAILBOX\r\n>1795503657>EXIT\r\n',
  ].join('');
  assert.deepEqual(sentCommands(transcript), [
    'GET USER anna',
    'APPLY MAILBOX %(UNIQUEID x)',
    'APPLY CAPABILITIES SIEVE-MAILBOX',
    'EXIT',
  ]);
  assert.deepEqual(appliedCommands(transcript), ['APPLY MAILBOX %(UNIQUEID x)']);
});

test('the fixture store unpacks without Cyrus, with a configuration that fits it, and is removed', async () => {
  const fixture = await unpackFixture({ sync_host: 'replica.test' });
  const config = await readFile(fixture.configFile, 'utf8');
  assert.match(config, /^sync_host: replica\.test$/m);
  assert.ok(config.includes(`partition-default: ${fixture.partition}\n`));
  const files = await readdir(fixture.partition, { recursive: true });
  const messages = files.filter((file) => /\/\d+\.$/.test(file)).length;
  const mailboxes = files.filter((file) => file.endsWith('/cyrus.index')).length;
  assert.ok(messages >= 2_000, `${messages} messages`);
  assert.ok(mailboxes >= 100, `${mailboxes} mailboxes`);
  assert.ok(existsSync(join(fixture.configDirectory, 'mailboxes.db')));
  await fixture.remove();
  assert.equal(existsSync(fixture.directory), false);
});
