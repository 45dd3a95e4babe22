import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import { detectFormat } from '../../../src/store/cyrusdb/detect-format.ts';
import { compareUnsigned } from '../../../src/store/cyrusdb/key-comparator.ts';
import { readFlat } from '../../../src/store/cyrusdb/read-flat.ts';
import { withDatabase } from '../../../src/store/cyrusdb/with-database.ts';
import { DiskDlistError, parseDiskDlist } from '../../../src/store/files/parse-disk-dlist.ts';
import {
  AnnotationRowError,
  parseAnnotationKey,
  parseAnnotationValue,
} from '../../../src/store/mailbox/annotation-rows.ts';
import { CyrusHeaderError, parseCyrusHeader } from '../../../src/store/mailbox/cyrus-header.ts';
import { IndexFile } from '../../../src/store/mailbox/index-file.ts';
import { headerLayout, recordLayout } from '../../../src/store/mailbox/index-layouts.ts';
import { unusableFlags } from '../../../src/store/mailbox/record-flags.ts';
import { MailboxRowError, parseMailboxRow } from '../../../src/store/mailbox-list/mailbox-row.ts';
import {
  parseExternalName,
  parseInternalName,
  toInternalName,
} from '../../../src/store/paths/mailbox-name.ts';
import { parseQuotaValue, QuotaValueError } from '../../../src/store/user/parse-quota-value.ts';
import { parseSieveMessage } from '../../../src/store/user/parse-sieve-message.ts';
import { parseFolderStatus } from '../../../src/store/user/read-conversations.ts';
import { raclModseq } from '../../../src/store/user/read-racl-modseq.ts';
import { parseSeen } from '../../../src/store/user/read-seen.ts';
import { readSubscriptions } from '../../../src/store/user/read-subscriptions.ts';
import { fuzz } from '../../lab/fuzz.ts';
import { indexBytes } from '../../lab/index-bytes.ts';
import { plainLayout } from '../../lab/plain-layout.ts';
import { writeSkiplist } from './cyrusdb/write-skiplist.ts';
import { writeTwoskip } from './cyrusdb/write-twoskip.ts';

/*
 * Every format of a store, changed in ways that keep much of its structure. Checksums are made right again in half of the
 * targets: behind a wrong one nothing is read at all.
 */

const directory = mkdtempSync(join(tmpdir(), 'fuzzed-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

function file(octets: Buffer): string {
  const path = join(directory, 'file');
  writeFileSync(path, octets);
  return path;
}

const ROWS = [
  ['INBOX', '%(T e)'],
  ['user.anna', '%(I abc T e P default A %(anna lrs))'],
  ['user.anna.Sent', ''],
  ['user.bob', 'x'.repeat(70)],
].map(([key = '', value = ''], i) => ({ key, value, level: 1 + (i % 3) }));
const TWOSKIPS = [
  writeTwoskip(
    ROWS.map((row, i) => ({ ...row, deletionAfter: i === 1, longKey: i === 2, longValue: i === 2 })),
  ),
  writeTwoskip(ROWS, { killed: true }),
  writeTwoskip([]),
];
const SKIPLISTS = [writeSkiplist(ROWS), writeSkiplist(ROWS, [1, 0, 3, 2]), writeSkiplist([])];

function allRows(octets: Buffer, format?: 'twoskip' | 'skiplist'): void {
  withDatabase(
    file(octets),
    (database) => {
      for (const _row of database.entries(''));
      for (const _row of database.entries('user.', 'user.anna'));
      database.get('user.anna.Sent');
    },
    format === undefined ? {} : { format },
  );
}

/** As a writer of such a file would have them: those of the header, and of each record as far as they follow one another. */
function twoskipChecksums(octets: Buffer): void {
  if (octets.length < 64) return;
  octets.writeUInt32BE(crc32(octets.subarray(0, 60)), 60);
  for (let at = 64; at + 24 <= octets.length; ) {
    const level = octets[at + 1] ?? 0;
    let [key, value] = [octets.readUInt16BE(at + 2), octets.readUInt32BE(at + 4)];
    let pointers = at + 8;
    const long = (): number => {
      const length =
        pointers + 8 <= octets.length ? Number(octets.readBigUInt64BE(pointers)) : Number.POSITIVE_INFINITY;
      pointers += 8;
      return length;
    };
    if (key === 0xffff) key = long();
    if (value === 0xffffffff) value = long();
    const head = pointers + 8 * (octets[at] === 0x2d ? 1 : level + 1);
    const end = head + 8 + Math.ceil((key + value) / 8) * 8;
    if (!(end <= octets.length)) return;
    octets.writeUInt32BE(crc32(octets.subarray(at, head)), head);
    octets.writeUInt32BE(crc32(octets.subarray(head + 8, end)), head + 4);
    at = end;
  }
}

const TWOSKIP = { seeds: TWOSKIPS, read: (octets: Buffer) => allRows(octets, 'twoskip') };
fuzz('a twoskip database', TWOSKIP);
fuzz('a twoskip database with checksums that are right', { ...TWOSKIP, mend: twoskipChecksums });
fuzz('a skiplist database', { seeds: SKIPLISTS, read: (octets) => allRows(octets, 'skiplist') });
fuzz('a database of any format', {
  seeds: [...TWOSKIPS, ...SKIPLISTS, 'key\tvalue\n'],
  read: (octets) => allRows(octets),
});
fuzz('the magic of a database', {
  seeds: [...TWOSKIPS, ...SKIPLISTS],
  read: (octets) => detectFormat('file', octets),
});
fuzz('a flat database', {
  seeds: ['a\tb\nc\td\n', 'user.anna\t\nuser.bob\tx y\n'],
  read: (octets) => [...readFlat('file', octets, compareUnsigned).entries('')],
});

const VERSIONS = [10, 12, 13, 14, 15, 16, 17, 19, 20];
const INDEXES = VERSIONS.map((version) =>
  indexBytes({ version }, [
    { uid: 1 },
    { uid: 4, flags: 0x10, userFlags: [0, 33, 127], savedate: 1_650_000_000 },
    { uid: 9 },
  ]),
);

function indexChecksums(octets: Buffer): void {
  if (octets.length < 32) return;
  const header = headerLayout(octets.readUInt32BE(8));
  if (header?.headerCrc !== undefined && header.headerCrc + 4 <= octets.length) {
    octets.writeUInt32BE(crc32(octets.subarray(0, header.headerCrc)), header.headerCrc);
  }
  const [version, start, size] = [octets.readUInt32BE(8), octets.readUInt32BE(12), octets.readUInt32BE(16)];
  const crcAt = recordLayout(version, size)?.recordCrc;
  if (crcAt === undefined || size < crcAt + 4) return;
  for (let at = start; at + size <= octets.length; at += size) {
    octets.writeUInt32BE(crc32(octets.subarray(at, at + crcAt)), at + crcAt);
  }
}

function wholeIndex(octets: Buffer): void {
  using index = IndexFile.open(file(octets), 'user.anna');
  const flags = Array.from({ length: 128 }, (_, slot) => (slot === 33 ? null : `flag${slot}`));
  const source = { path: 'file', mailbox: 'user.anna', header: index?.header, userFlags: flags };
  if (index === undefined || source.header === undefined) return;
  const pages = index.pages(2, {
    ...source,
    header: source.header,
    unusableFlags: unusableFlags(flags),
    annotationsOf: () => [],
  });
  for (const page of pages) for (let i = 0; i < page.count; i++) page.record(i);
}

fuzz('cyrus.index', { seeds: INDEXES, read: wholeIndex });
fuzz('cyrus.index with checksums that are right', { seeds: INDEXES, read: wholeIndex, mend: indexChecksums });

const MAGIC =
  '\xa1\x02\x8b\x0dCyrus mailbox header\n"The best thing about this system was that it had lots of goals."\n\t--Jim Morris on Andrew\n';
fuzz('cyrus.header', {
  seeds: [
    `${MAGIC}%(T e N user.anna I abc Q user.anna U ($Label1 NonJunk) A %(anna lrs))\n`,
    `${MAGIC}user.anna\tabc\n$A $B\nanna\tlrs\t\n`,
  ],
  read: parseCyrusHeader,
  refusals: [CyrusHeaderError],
});

const text = (parse: (value: string) => unknown) => (octets: Buffer) => parse(octets.toString('latin1'));

fuzz('a dlist on disk', {
  seeds: ['%(A b C (d "e f" NIL) G %(h {3}\r\nijk))', '(a b)', '"x"'],
  read: text(parseDiskDlist),
  refusals: [DiskDlistError],
});
fuzz('a row of the mailbox list', {
  seeds: [
    '%(T e I abc P default A %(anna lrswip anyone p) V 1700000000 C 1 F 2 N user.anna H (%(F 2 N user.a)))',
    '0 default anna\tlrs\t',
    '%(T d)',
  ],
  read: text(parseMailboxRow),
  refusals: [MailboxRowError],
});
fuzz('a quota', {
  seeds: ['%(S (1 2) M (3 4) AS (5 6) NF (7 -1) X 9)', '1 2 M 3 4 AS 5 6', '0 -1'],
  read: text(parseQuotaValue),
  refusals: [QuotaValueError],
});
fuzz('seen state', {
  seeds: ['1 1700000000 9 1700000000 1:3,5,7:*', '1 0 0 0 '],
  read: text((value) => parseSeen('anna.seen', 'abc', value)),
});
fuzz('a subscription file', {
  seeds: [
    'user.anna\t\nuser.bob.Work\t\n',
    'NINBOX\t\nVERSION\t3\nNINBOX\x1fSent\t\n',
    '\x00VERSION\t2\nNINBOXice\t\n',
  ],
  read: (octets) => readSubscriptions(file(octets), 'user\x1fanna'),
});
fuzz('an annotation', {
  seeds: ['1.user.anna\0/comment\0anna\0', 'user.anna\0/vendor/x\0\0'],
  read: text(parseAnnotationKey),
});
fuzz('the value of an annotation', {
  seeds: [Buffer.from('\0\0\0\x05hello\0text\0\0\0\0\x07', 'latin1'), '%(V x M 7)'],
  read: text(parseAnnotationValue),
  refusals: [AnnotationRowError],
});
fuzz('a script as a message', {
  seeds: ['Subject: main\r\nContent-Length: 5\r\n\r\nkeep;', 'Subject: =?UTF-8?Q?a=20b?=\r\n\r\n'],
  read: parseSieveMessage,
});
fuzz('a row of conversations', {
  seeds: ['%(1 2 3 4)', '0 (1 2 3 4)', '1 2 3'],
  read: text(parseFolderStatus),
});
const counters = Buffer.alloc(180, 1);
counters.writeUInt32BE(crc32(counters.subarray(0, 176)), 176);
fuzz('counters of a user', { seeds: [counters], read: raclModseq });

const rules = plainLayout(directory);
for (const [kind, parse] of Object.entries({ internal: parseInternalName, external: parseExternalName })) {
  fuzz(`an ${kind} name`, {
    seeds: ['user.anna.Work', 'user/anna/Work', 'DELETED.user.anna.65A4B3C2', 'shared.x', 'user.anna^b'],
    read: text((name) => toInternalName(rules, parse(rules, name))),
  });
}
