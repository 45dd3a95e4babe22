import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import test from 'node:test';
import fc from 'fast-check';
import { CommandQueue } from '../../../src/protocol/link/command-queue.ts';
import { Framing } from '../../../src/protocol/link/framing.ts';
import { linkError } from '../../../src/protocol/link-errors.ts';
import type {
  MasterSession,
  MeantMailbox,
  MessageAddress,
  MessageUpload,
  RenameRequest,
  ReplicaQuota,
  SessionInfo,
  WireAnnotation,
  WireMailbox,
  WireRecord,
  WireSeen,
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

/** An object of any values, with one for each field of its type: the compiler asks for those that may be left out too. */
function fieldsOf<T>(fields: { [Key in keyof T]-?: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(fields) as fc.Arbitrary<T>;
}

function orNot<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

const annotation = fieldsOf<WireAnnotation>({ entry: octets, userid: octets, modseq: number, value: octets });
const record = fieldsOf<WireRecord>({
  uid: number,
  modseq: number,
  lastUpdated: number,
  flags: fc.array(flag, { maxLength: 3 }),
  internaldate: number,
  size: number,
  guid,
  annotations: fc.array(annotation, { maxLength: 2 }),
});
const mailbox = fieldsOf<WireMailbox>({
  uniqueid: octets,
  name: octets,
  type: octets,
  crcBasic: number,
  crcAnnotations: orNot(number),
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
  partition: orNot(octets),
  acl: octets,
  options: octets,
  quotaroot: orNot(octets),
  createdmodseq: number,
  foldermodseq: number,
  groups: orNot(octets),
  keywords: orNot(fc.array(flag, { maxLength: 2 })),
  annotations: fc.array(annotation, { maxLength: 2 }),
  since: orNot(fc.record({ modseq: number, crcBasic: number, crcAnnotations: number })),
  jmapid: orNot(octets),
  indexVersion: orNot(number),
  compactEmailids: orNot(fc.boolean()),
  deletedmodseq: orNot(number),
  intermediate: fc.boolean(),
  local: fc.boolean(),
});
const message: fc.Arbitrary<MessageUpload> = fc
  .record({ partition: octets, guid, text: octets, size: orNot(number) })
  .map(({ partition, guid: of, text, size }) => {
    const content = Buffer.from(text, 'latin1');
    return { partition, guid: of, size: size ?? content.length, content };
  });
const content = octets.map((text) => Buffer.from(text, 'latin1'));
const quota = fieldsOf<ReplicaQuota>({
  root: octets,
  storage: number,
  messages: number,
  annotationStorage: number,
  folders: number,
});
const seen = fieldsOf<WireSeen>({
  uniqueid: octets,
  lastread: number,
  lastuid: number,
  lastchange: number,
  seenuids: octets,
});
const address = fieldsOf<MessageAddress>({
  mailbox: octets,
  partition: octets,
  uniqueid: octets,
  guid,
  uid: number,
});
const rename = fieldsOf<RenameRequest>({
  oldName: octets,
  newName: octets,
  partition: octets,
  uidvalidity: number,
  local: fc.boolean(),
});
const meant = fieldsOf<MeantMailbox>({ type: octets, uniqueid: octets, uidvalidity: number });

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

type Ability = {
  [Key in keyof SessionInfo]: SessionInfo[Key] extends boolean ? Key : never;
}[keyof SessionInfo];

/** A peer that takes some things and not others: that decides which fields are sent, and in which form. */
const abilities = fieldsOf<Record<Ability, boolean>>({
  tls: fc.boolean(),
  compression: fc.boolean(),
  keepsWhatIsEnabled: fc.boolean(),
  sieveMailbox: fc.boolean(),
  stagesToArchive: fc.boolean(),
  checksSince: fc.boolean(),
  listsIntermediates: fc.boolean(),
  takesNotifications: fc.boolean(),
  takesKeywords: fc.boolean(),
  takesGroups: fc.boolean(),
  takesDevelopmentFields: fc.boolean(),
  unmailboxTakesId: fc.boolean(),
  unuserTakesDeleted: fc.boolean(),
  findsUniqueids: fc.boolean(),
});

type CommandName = Exclude<
  { [Name in keyof MasterSession]: MasterSession[Name] extends Method ? Name : never }[keyof MasterSession],
  'window' | 'exit' | 'destroy'
>;
type Method = (...args: never) => unknown;
type Call = (session: MasterSession) => Promise<unknown>;

const names = fc.array(octets, { minLength: 1, maxLength: 3 });
const ignore = fc.constant(() => {});

/** Every command with any arguments: the compiler asks for each command, and for each of its arguments. */
const argumentsOf: { [Name in CommandName]: fc.Arbitrary<Required<Parameters<MasterSession[Name]>>> } = {
  getUser: fc.tuple(octets, ignore),
  getMailboxes: fc.tuple(names, ignore),
  getUniqueids: fc.tuple(names),
  getMeta: fc.tuple(octets),
  getAnnotation: fc.tuple(octets),
  getFullMailbox: fc.tuple(octets, ignore),
  getQuota: fc.tuple(octets),
  fetchScript: fc.tuple(octets, octets),
  fetchMessage: fc.tuple(address),
  applyReserve: fc.tuple(
    octets,
    fc.array(octets, { maxLength: 3 }),
    fc.array(guid, { minLength: 1, maxLength: 3 }),
  ),
  applyMessages: fc.tuple(fc.array(message, { minLength: 1, maxLength: 3 })),
  applyMailbox: fc.tuple(mailbox, fc.array(record, { maxLength: 2 })),
  applyRename: fc.tuple(rename),
  applyUnmailbox: fc.tuple(octets, fc.boolean(), meant),
  applySub: fc.tuple(octets, octets),
  applyUnsub: fc.tuple(octets, octets),
  applySeen: fc.tuple(octets, seen),
  applyQuota: fc.tuple(quota, number),
  applyUnquota: fc.tuple(octets),
  applyAnnotation: fc.tuple(octets, annotation),
  applyUnannotation: fc.tuple(octets, octets, octets),
  applySieve: fc.tuple(octets, octets, number, content),
  applyUnsieve: fc.tuple(octets, octets),
  applyActivateSieve: fc.tuple(octets, octets),
  applyUnactivateSieve: fc.tuple(octets),
  applyUnuser: fc.tuple(octets),
  restart: fc.constant([]),
  noop: fc.constant([]),
};

for (const [name, args] of Object.entries(argumentsOf)) {
  const callWith =
    (given: readonly unknown[]): Call =>
    (session) =>
      (session[name as CommandName] as (...given: readonly unknown[]) => Promise<unknown>)(...given);
  test(`${name}: one command reaches the server whatever its fields hold, or none`, async () => {
    let arrived = 0;
    await fc.assert(
      fc.asyncProperty(args, abilities, async (given, able) => {
        const { sent, failed } = await octetsOf(callWith(given), able);
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
async function octetsOf(
  submit: Call,
  able: Partial<SessionInfo> = {},
): Promise<{ sent: string; failed: boolean }> {
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
  const session = createSession(queue, able as SessionInfo);
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
