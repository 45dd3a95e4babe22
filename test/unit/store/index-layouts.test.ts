import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import {
  GUID_OCTETS,
  HEADER_MINOR_VERSION,
  HEADER_NUM_RECORDS,
  HEADER_RECORD_SIZE,
  HEADER_START_OFFSET,
  headerLayout,
  LARGEST_HEADER_OCTETS,
  NEWEST_INDEX_VERSION,
  OLDEST_INDEX_VERSION,
  RECORD_UID,
  recordLayout,
  type TimeField,
} from '../../../src/store/mailbox/index-layouts.ts';
import { recordSizeOf } from '../../lab/index-bytes.ts';

/*
 * Contract: each field of cyrus.index is where docs/store.md, written from Cyrus's own source, says that it is. The octets of
 * other tests are made with the layouts themselves, which proves nothing of them.
 */

const document = readFileSync(new URL('../../../../docs/store.md', import.meta.url), 'utf8');

/** Offsets by field and version; undefined: the version has no such field. */
function tableOf(heading: string): Map<string, Map<number, number | undefined>> {
  const [, section = ''] = document.split(`### ${heading}\n`);
  const [head = '', , ...rows] = (section.split('\n#')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const cells = (row: string): string[] =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const columns = cells(head).slice(1).map(versionsOf);
  return new Map(
    rows.map((row) => {
      const [field = '', ...values] = cells(row);
      const offsets = new Map<number, number | undefined>();
      for (const [index, value] of values.entries()) {
        const offset = /\d+/.exec(value)?.[0];
        const before = offsets.get(columns[index - 1]?.at(-1) ?? 0);
        for (const version of columns[index] ?? [])
          offsets.set(version, value === '=' ? before : offset === undefined ? undefined : Number(offset));
      }
      return [field.replace(/ (?:u32|u64).*$/, ''), offsets];
    }),
  );
}

/** `v14,15` and `v16-v19`. */
function versionsOf(column: string): number[] {
  const [first = 0, last] = [...column.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  if (!column.includes('-')) return last === undefined ? [first] : [first, last];
  return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
}

const VERSIONS = [10, 12, 13, 14, 15, 16, 17, 18, 19, 20];

test('the header of each version', () => {
  const table = tableOf('6.2 Header offsets');
  const fields = {
    last_appenddate: 'lastAppenddate',
    last_uid: 'lastUid',
    pop3_last_login: 'pop3LastLogin',
    uidvalidity: 'uidvalidity',
    exists: 'exists',
    options: 'options',
    highestmodseq: 'highestmodseq',
    deletedmodseq: 'deletedmodseq',
    'synccrc basic': 'crcBasic',
    recentuid: 'recentuid',
    recenttime: 'recenttime',
    pop3_show_after: 'pop3ShowAfter',
    'synccrc annot': 'crcAnnotations',
    createdmodseq: 'createdmodseq',
    'header crc32 (of all bytes before it)': 'headerCrc',
  } as const;
  for (const version of VERSIONS) {
    const layout = headerLayout(version) ?? assert.fail(String(version));
    for (const [name, field] of Object.entries(fields)) {
      const offsets = table.get(name) ?? assert.fail(`no row ${name}`);
      assert.ok(offsets.has(version), `${name} of version ${version}`);
      assertAt(layout[field], offsets.get(version), version, `${name} of version ${version}`);
    }
    for (const [name, offset] of [
      ['minor_version', HEADER_MINOR_VERSION],
      ['start_offset', HEADER_START_OFFSET],
      ['record_size', HEADER_RECORD_SIZE],
      ['num_records', HEADER_NUM_RECORDS],
    ] as const)
      assert.equal(table.get(name)?.get(version), offset, `${name} of version ${version}`);
  }
});

test('the record of each version', () => {
  const table = tableOf('6.3 Record offsets');
  const fields = {
    internaldate: 'internaldate',
    last_updated: 'lastUpdated',
    'system+internal flags': 'flags',
    'user_flags 4 x': 'userFlags',
    savedate: 'savedate',
    'guid 20 bytes': 'guid',
    modseq: 'modseq',
    'cid (thrid)': 'cid',
    createdmodseq: 'createdmodseq',
    basecid: 'basecid',
    'record crc32 (all bytes before it)': 'recordCrc',
  } as const;
  for (const version of VERSIONS) {
    const layout = recordLayout(version, recordSizeOf(version)) ?? assert.fail(String(version));
    for (const [name, field] of Object.entries(fields)) {
      const offsets = table.get(name) ?? assert.fail(`no row ${name}`);
      assert.ok(offsets.has(version), `${name} of version ${version}`);
      assertAt(layout[field], offsets.get(version), version, `${name} of version ${version}`);
    }
    assert.deepEqual(layout.size, { offset: table.get('size')?.get(version), octets: version < 20 ? 4 : 8 });
    assert.equal(layout.octets, recordSizeOf(version));
  }
  assert.deepEqual([RECORD_UID, GUID_OCTETS], [0, 20]);
  const [newest] = [recordLayout(NEWEST_INDEX_VERSION, 144)];
  assert.equal(recordLayout(19, 144), newest, 'known by its size');
  assert.notEqual(recordLayout(18, 144), newest);
});

test('headers are as long as the table of versions says, and there are no other versions', () => {
  const sizes = VERSIONS.map((version) => headerLayout(version)?.size);
  assert.deepEqual(sizes, [96, 128, 128, 160, 160, 160, 160, 160, 160, 192]);
  assert.equal(Math.max(...sizes.map((size) => size ?? 0)), LARGEST_HEADER_OCTETS);
  for (const version of [0, 9, 11, 21]) assert.equal(headerLayout(version), undefined);
  assert.deepEqual([OLDEST_INDEX_VERSION, NEWEST_INDEX_VERSION], [VERSIONS[0], VERSIONS.at(-1)]);
});

function assertAt(
  field: number | TimeField | undefined,
  offset: number | undefined,
  version: number,
  what: string,
): void {
  if (typeof field !== 'object') assert.equal(field, offset, what);
  else assert.deepEqual(field, { offset, unit: version < 20 ? 'seconds' : 'nanoseconds' }, what);
}
