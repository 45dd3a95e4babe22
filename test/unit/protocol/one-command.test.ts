import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import test from 'node:test';
import fc from 'fast-check';
import { CommandQueue } from '../../../src/protocol/link/command-queue.ts';
import { Framing } from '../../../src/protocol/link/framing.ts';
import { linkError } from '../../../src/protocol/link-errors.ts';
import type {
  MessageUpload,
  ReplicaSession,
  WireAnnotation,
  WireMailbox,
  WireRecord,
} from '../../../src/protocol/replica-session.ts';
import { createSession } from '../../../src/protocol/session/create-session.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { Transport } from '../../../src/protocol/wire/transport.ts';
import { wireMailbox } from '../../lab/wire-mailbox.ts';
import { type Read, ServerReader } from './support/server-reader.ts';

/*
 * Whatever octets and numbers are put into whichever field of whichever command: a server reads exactly that one
 * command, with the fields that it has, or the call fails and nothing was sent.
 */

const octets = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.integer({ min: 0, max: 255 }).map(chr), maxLength: 12 }) },
  { weight: 3, arbitrary: pieces() },
  { weight: 1, arbitrary: fc.constantFrom('NIL', '', 'user.anna', 'a'.repeat(1023), 'a'.repeat(1024)) },
  { weight: 1, arbitrary: fc.constant('\u2603') },
);
const number = fc.oneof(
  { weight: 100, arbitrary: fc.nat() },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.constantFrom(-1, 0, 2 ** 53, Number.MAX_SAFE_INTEGER, 1.5, Number.NaN) },
);
const guid = fc.oneof(
  { weight: 3, arbitrary: fc.constant('0123456789'.repeat(4)) },
  { weight: 1, arbitrary: octets },
  { weight: 1, arbitrary: octets.map((text) => text.padEnd(40, '0').slice(0, 40)) },
);
const flag = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('\\Seen', '$Label1', 'NIL', 'X', '\\Expunged') },
  { weight: 1, arbitrary: octets },
  { weight: 1, arbitrary: octets.map((text) => `\\${text}`) },
);

/** Texts that an attacker would try: ends of values, lines and literals in any order. */
function pieces(): fc.Arbitrary<string> {
  const piece = fc.constantFrom(
    ...['\r\n', '\n', ' ', ')', '(', '%(', '"', '\\', '{3+}\r\n', '}', '\0', 'A', '1', '\t', '%{'],
    ...['APPLY UNUSER anna', 'NIL', 'NOOP', '0'.repeat(40)],
  );
  return fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(''));
}

function chr(octet: number): string {
  return String.fromCharCode(octet);
}

const annotation: fc.Arbitrary<WireAnnotation> = fc.record({
  entry: octets,
  userid: octets,
  modseq: number,
  value: octets,
});
const record: fc.Arbitrary<WireRecord> = fc.record({
  uid: number,
  modseq: number,
  lastUpdated: number,
  flags: fc.array(flag, { maxLength: 3 }),
  internaldate: number,
  size: number,
  guid,
  annotations: fc.array(annotation, { maxLength: 2 }),
});
const mailbox: fc.Arbitrary<WireMailbox> = fc.record({
  uniqueid: octets,
  name: octets,
  type: octets,
  crcBasic: number,
  crcAnnotations: fc.option(number, { nil: undefined }),
  lastUid: number,
  highestmodseq: number,
  recentuid: number,
  recenttime: number,
  lastAppenddate: number,
  pop3LastLogin: number,
  pop3ShowAfter: number,
  xconvmodseq: number,
  raclmodseq: number,
  uidvalidity: number,
  partition: fc.option(octets, { nil: undefined }),
  acl: octets,
  options: octets,
  quotaroot: fc.option(octets, { nil: undefined }),
  createdmodseq: number,
  foldermodseq: number,
  annotations: fc.array(annotation, { maxLength: 2 }),
  since: fc.option(fc.record({ modseq: number, crcBasic: number, crcAnnotations: number }), {
    nil: undefined,
  }),
  intermediate: fc.boolean(),
  local: fc.boolean(),
});
const message: fc.Arbitrary<MessageUpload> = fc
  .record({ partition: octets, guid, text: octets, size: fc.option(number, { nil: undefined }) })
  .map(({ partition, guid: of, text, size }) => {
    const content = Buffer.from(text, 'latin1');
    return { partition, guid: of, size: size ?? content.length, content };
  });
const content = octets.map((text) => Buffer.from(text, 'latin1'));
const quota = fc.record({
  root: octets,
  storage: number,
  messages: number,
  annotationStorage: number,
  folders: number,
});
const seen = fc.record({
  uniqueid: octets,
  lastread: number,
  lastuid: number,
  lastchange: number,
  seenuids: octets,
});
const address = fc.record({ mailbox: octets, partition: octets, uniqueid: octets, guid, uid: number });
const rename = fc.record({
  oldName: octets,
  newName: octets,
  partition: octets,
  uidvalidity: number,
  local: fc.boolean(),
});

const RECORD: WireRecord = {
  uid: 1,
  modseq: 1,
  lastUpdated: 1,
  flags: [],
  internaldate: 1,
  size: 1,
  guid: '0123456789'.repeat(4),
  annotations: [],
};

type Commands = Omit<
  { [Name in keyof ReplicaSession]: ReplicaSession[Name] extends (...args: never) => unknown ? Name : never },
  'window' | 'exit' | 'destroy' | 'info' | 'broken' | 'servedMs' | 'wayMs' | 'backlogMs' | 'traffic'
>;
type Call = (session: ReplicaSession) => Promise<unknown>;

/** Every command with any arguments; the compiler sees to it that none is left out. */
const calls: { [Name in keyof Commands]: fc.Arbitrary<Call> } = {
  getUser: octets.map((a) => (s) => s.getUser(a)),
  getMailboxes: fc.array(octets, { minLength: 1, maxLength: 3 }).map((a) => (s) => s.getMailboxes(a)),
  getUniqueids: fc.array(octets, { minLength: 1, maxLength: 3 }).map((a) => (s) => s.getUniqueids(a)),
  getMeta: octets.map((a) => (s) => s.getMeta(a)),
  getAnnotation: octets.map((a) => (s) => s.getAnnotation(a)),
  getFullMailbox: octets.map((a) => (s) => s.getFullMailbox(a, () => {})),
  fetchMessage: address.map((a) => (s) => s.fetchMessage(a)),
  applyReserve: fc
    .tuple(octets, fc.array(octets, { maxLength: 3 }), fc.array(guid, { minLength: 1, maxLength: 3 }))
    .map((a) => (s) => s.applyReserve(...a)),
  applyMessages: fc
    .tuple(fc.array(message, { minLength: 1, maxLength: 3 }))
    .map((a) => (s) => s.applyMessages(...a)),
  applyMailbox: fc.tuple(mailbox, fc.array(record, { maxLength: 2 })).map((a) => (s) => s.applyMailbox(...a)),
  applyRename: rename.map((a) => (s) => s.applyRename(a)),
  applyUnmailbox: fc.tuple(octets, fc.boolean()).map((a) => (s) => s.applyUnmailbox(...a)),
  applySub: fc.tuple(octets, octets).map((a) => (s) => s.applySub(...a)),
  applyUnsub: fc.tuple(octets, octets).map((a) => (s) => s.applyUnsub(...a)),
  applySeen: fc.tuple(octets, seen).map((a) => (s) => s.applySeen(...a)),
  applyQuota: fc.tuple(quota, number).map((a) => (s) => s.applyQuota(...a)),
  applyUnquota: octets.map((a) => (s) => s.applyUnquota(a)),
  applyAnnotation: fc.tuple(octets, annotation).map((a) => (s) => s.applyAnnotation(...a)),
  applyUnannotation: fc.tuple(octets, octets, octets).map((a) => (s) => s.applyUnannotation(...a)),
  applySieve: fc.tuple(octets, octets, number, content).map((a) => (s) => s.applySieve(...a)),
  applyUnsieve: fc.tuple(octets, octets).map((a) => (s) => s.applyUnsieve(...a)),
  applyActivateSieve: fc.tuple(octets, octets).map((a) => (s) => s.applyActivateSieve(...a)),
  applyUnactivateSieve: octets.map((a) => (s) => s.applyUnactivateSieve(a)),
  applyUnuser: octets.map((a) => (s) => s.applyUnuser(a)),
  restart: fc.constant((s) => s.restart()),
  noop: fc.constant((s) => s.noop()),
};

for (const [name, call] of Object.entries(calls)) {
  test(`${name}: one command reaches the server whatever its fields hold, or none`, async () => {
    let arrived = 0;
    await fc.assert(
      fc.asyncProperty(call, async (submit) => {
        const { sent, failed } = await octetsOf(submit);
        if (failed) {
          assert.equal(sent, '');
          return;
        }
        arrived++;
        const reader = new ServerReader(sent);
        const { value } = reader.command();
        assert.ok(reader.atEnd, `more than one command: ${JSON.stringify(sent)}`);
        for (const key of keysOf(value ?? null)) assert.match(key, /^[A-Z0-9_-]+$/);
      }),
      { numRuns: 300 },
    );
    assert.ok(arrived > 0, 'nothing was sent at all');
  });
}

test('what a server reads in a field is what was put in it, what is special to the protocol included', async () => {
  const special = [
    'NIL',
    'nil',
    '',
    '()',
    '%()',
    '{3}',
    '{3+}\r\nabc',
    '"',
    '\\',
    '%{a b 1}',
    '\\Seen',
    ' ',
    '*',
  ];
  for (const text of [...special, 'a\r\nb', 'caf\xe9', 'a\tb', ')', 'a'.repeat(1024)]) {
    const read = async (submit: Call) => new ServerReader((await octetsOf(submit)).sent).command().value;
    assert.deepEqual(
      { ...((await read((s) => s.applySub(text, text))) as object) },
      { USERID: text, MBOXNAME: text },
    );
    assert.equal(await read((s) => s.getUser(text)), text);
    assert.deepEqual(await read((s) => s.getMailboxes([text])), [text]);
  }
  const flags = ['NIL', '\\Seen', 'nil', '$x'];
  const { sent } = await octetsOf((s) =>
    s.applyMailbox(wireMailbox('user.anna', { lastUid: 1 }), [{ ...RECORD, flags }]),
  );
  const value = new ServerReader(sent).command().value as { RECORD: { FLAGS: string[] }[] };
  assert.deepEqual(value.RECORD[0]?.FLAGS, flags);
});

test('the reader of these tests notices a second command', async () => {
  const reader = new ServerReader('GET USER anna\r\nAPPLY UNUSER anna\r\n');
  reader.command();
  assert.equal(reader.atEnd, false);
});

/** All that a command writes, and whether it failed before it was answered. */
async function octetsOf(submit: Call): Promise<{ sent: string; failed: boolean }> {
  const chunks: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  const transport = new Transport(socket as Socket);
  const queue = new CommandQueue(transport, new Traffic(undefined), new Framing('csync'), 1024 * 1024);
  const session = createSession(queue, {} as ReplicaSession['info']);
  let failed = false;
  const outcome = submit(session).catch(() => {
    failed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const failedByItself = failed;
  queue.destroy(linkError('LINK_BROKEN', 'the test has seen enough'));
  await outcome;
  return { sent: Buffer.concat(chunks).toString('latin1'), failed: failedByItself };
}

function keysOf(value: Read): string[] {
  if (value === null || typeof value === 'string') return [];
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if ('file' in value && typeof value.file === 'string') return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...keysOf(item)]);
}
