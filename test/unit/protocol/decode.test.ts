import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DlistFile, type DlistValue } from '../../../src/protocol/dlist/value.ts';
import { decodeAnnotation } from '../../../src/protocol/session/annotation-commands.ts';
import { decodeMailbox } from '../../../src/protocol/session/mailbox-lines.ts';
import { decodeQuota } from '../../../src/protocol/session/quota-commands.ts';
import { decodeRecord } from '../../../src/protocol/session/records.ts';
import { decodeSeen } from '../../../src/protocol/session/seen-commands.ts';
import { decodeSieve } from '../../../src/protocol/session/sieve-commands.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

/*
 * Whatever a peer sends in whatever field: what comes through is sound to its last part, and what does not is an answer
 * that cannot be used, never an error of another kind.
 */

const octets = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
});
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('abc', '7', '0', 'user.anna', '/comment', 'a.script', '1:3', '') },
  { weight: 2, arbitrary: fc.constant('0123456789'.repeat(4)) },
  { weight: 1, arbitrary: octets },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\r\nAPPLY UNUSER anna\r\n', 'a b', '../..', '99999999999999999999', '-1'),
  },
);
const odd: fc.Arbitrary<DlistValue> = fc.oneof(
  fc.constant(null),
  fc.array(octets, { maxLength: 2 }),
  fc.constant(new DlistFile('p', 'g', 0)),
  fc.dictionary(octets, octets).map((fields) => new Map(Object.entries(fields))),
);
const value: fc.Arbitrary<DlistValue> = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 1, arbitrary: odd },
);

/** A sound answer with any of its fields replaced. */
function changed(sound: { [key: string]: DlistValue }): fc.Arbitrary<DlistValue> {
  const changes = fc.array(fc.tuple(fc.constantFrom(...Object.keys(sound)), value), { maxLength: 2 });
  return changes.map((list) => new Map([...Object.entries(sound), ...list]));
}

const GUID = '0123456789'.repeat(4);
const ANNOTATION = { ENTRY: '/comment', USERID: 'anna', MODSEQ: '7', VALUE: 'x' };
const MAILBOX = {
  UNIQUEID: 'abc',
  MBOXNAME: 'user.anna',
  MBOXTYPE: 'e',
  SYNC_CRC: '7',
  LAST_UID: '3',
  HIGHESTMODSEQ: '5',
  RECENTUID: '0',
  RECENTTIME: '0',
  POP3_LAST_LOGIN: '0',
  UIDVALIDITY: '7',
  PARTITION: 'default',
  ACL: 'anna\tlrs\t',
  OPTIONS: 'P',
  QUOTAROOT: 'user.anna',
  USERGROUPS: 'group:staff\tgroup:sales',
  FOLDERMODSEQ: '7',
};
const RECORD = { UID: '1', MODSEQ: '5', LAST_UPDATED: '1', INTERNALDATE: '1', SIZE: '10', GUID };
const annotations = fc.array(changed(ANNOTATION), { maxLength: 2 });

function withLists(map: fc.Arbitrary<DlistValue>, lists: { [key: string]: fc.Arbitrary<DlistValue> }) {
  return fc.tuple(map, fc.record(lists)).map(([base, more]) => {
    assert.ok(base instanceof Map);
    return new Map([...base, ...Object.entries(more)]);
  });
}

const KINDS: [what: string, decode: (value: DlistValue) => object, values: fc.Arbitrary<DlistValue>][] = [
  [
    'MAILBOX',
    (value) => decodeMailbox(value, { takesGroups: true }),
    withLists(changed(MAILBOX), { ANNOTATIONS: annotations }),
  ],
  [
    'RECORD',
    decodeRecord,
    withLists(changed(RECORD), {
      FLAGS: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom('\\Seen', '$x') }, value), {
        maxLength: 3,
      }),
      ANNOTATIONS: annotations,
    }),
  ],
  ['ANNOTATION', decodeAnnotation, changed(ANNOTATION)],
  ['QUOTA', decodeQuota, changed({ ROOT: 'user.anna', LIMIT: '1', STORAGE: '1', MESSAGE: '5' })],
  [
    'SEEN',
    decodeSeen,
    changed({ UNIQUEID: 'abc', LASTREAD: '1', LASTUID: '1', LASTCHANGE: '1', SEENUIDS: '1:3' }),
  ],
  ['SIEVE', decodeSieve, changed({ FILENAME: 'a.script', LAST_UPDATE: '1', GUID, ISACTIVE: '0' })],
];

for (const [what, decode, values] of KINDS) {
  test(`${what}: what comes through is sound, and the rest is refused as an answer`, () => {
    let sound = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 20, arbitrary: values }, { weight: 1, arbitrary: value }), (answer) => {
        let decoded: object;
        try {
          decoded = decode(answer);
        } catch (error) {
          assert.ok(error instanceof SyncError, String(error));
          assert.equal(error.code, 'IMAP_PROTOCOL_ERROR');
          assert.equal(error.family, 'refused');
          return;
        }
        sound++;
        assertSound(decoded);
      }),
      { numRuns: 2000 },
    );
    assert.ok(sound > 100, `only ${sound} came through at all`);
  });
}

function assertSound(decoded: object): void {
  for (const [key, part] of Object.entries(decoded)) {
    if (typeof part === 'number') assert.ok(Number.isSafeInteger(part) && part >= -1, `${key} ${part}`);
    // The value of an annotation may be of any octets, and is always sent as a string.
    else if (typeof part === 'string' && key !== 'value') assert.doesNotMatch(part, /[\0\r\n]/, key);
    else if (typeof part === 'object' && part !== null) assertSound(part);
  }
}

test('groups are told where a server takes them, and then nothing said is none', () => {
  const without = new Map<string, DlistValue>(
    Object.entries(MAILBOX).filter(([key]) => key !== 'USERGROUPS'),
  );
  const told = new Map([...without, ['USERGROUPS', 'group:sales\tgroup:staff']]);
  const groups = (value: DlistValue, takesGroups: boolean) => decodeMailbox(value, { takesGroups }).groups;
  assert.equal(groups(told, true), 'group:sales\tgroup:staff');
  assert.equal(groups(without, true), '');
  assert.equal(groups(without, false), undefined);
  assert.equal(groups(told, false), undefined);
});

test('what servers of the development line tell besides is passed over', () => {
  const plain = Object.entries(MAILBOX);
  const more: [string, DlistValue][] = [
    ['COMPACT_EMAILIDS', '1'],
    ['VERSION', '20'],
    ['DELETEDMODSEQ', '4'],
  ];
  const told = new Map<string, DlistValue>([['JMAPID', 'P1'], ...plain, ...more]);
  const decode = (value: DlistValue) => decodeMailbox(value, { takesGroups: true });
  assert.deepEqual(decode(told), decode(new Map<string, DlistValue>(plain)));
});

test('keywords that a mailbox knows are told by 3.12; one that cannot be one is left out', () => {
  const keywords = (list: DlistValue | undefined) => {
    const told = list === undefined ? [] : [['USERFLAGS', list] as [string, DlistValue]];
    return decodeMailbox(new Map<string, DlistValue>([...Object.entries(MAILBOX), ...told]), {
      takesGroups: true,
    }).keywords;
  };
  assert.equal(keywords(undefined), undefined);
  assert.deepEqual(keywords([]), []);
  assert.deepEqual(keywords(['$x', null, '\\Seen', 'two words', new Map(), 'last']), ['$x', 'NIL', 'last']);
  assert.throws(() => keywords('$x'), SyncError);
});
