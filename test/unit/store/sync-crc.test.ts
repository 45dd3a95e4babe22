import assert from 'node:assert/strict';
import test from 'node:test';
import { annotationCrc, basicCrc, checksumsOf } from '../../../src/store/mailbox/checksums.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';

const PREFIX = '/vendor/cmu/cyrus-imapd/';

function record(uid: number, modseq: number, guid: string, thrid: string, created: string): IndexRecord {
  const annotation = (name: string, value: string) => ({
    entry: PREFIX + name,
    userid: '',
    modseq: 0,
    value,
  });
  return {
    uid,
    modseq,
    lastUpdated: 1795481568,
    flags: [],
    internaldate: 1795481568,
    size: 1,
    guid,
    annotations: [
      annotation('thrid', thrid),
      annotation('savedate', '1795481568'),
      annotation('createdmodseq', created),
    ],
    unlinked: false,
    archived: false,
  };
}

/** Taken from a mailbox of Cyrus 3.6.1 (store 8). */
const REAL = [
  record(1, 13, '4e78942bb5132d9d0e93b04cd3754ca7efd39c7c', 'df8b4dcabe7a268f', '9'),
  record(2, 10, '04e7b55d36448f92aef26f3d9fb8694b06cd1961', '95146cbc3d2d8480', '10'),
];

test('the CRCs of a real mailbox come out as Cyrus stored them', () => {
  assert.equal(basicCrc(REAL), 2292491650);
  assert.equal(annotationCrc(REAL, 17), 2999505976);
});

test('expunged records do not count, flags count without regard to case', () => {
  const [first, second] = REAL;
  assert.ok(first && second);
  const gone = { ...second, flags: ['\\Expunged'] };
  assert.equal(basicCrc([first, gone]), 843945508);
  assert.equal(annotationCrc([first, gone], 17), annotationCrc([first], 17));
  const flagged = (flag: string) => basicCrc([{ ...first, flags: [flag] }]);
  assert.equal(flagged('$LABEL'), flagged('$label'));
  assert.notEqual(flagged('$label'), basicCrc([first]));
});

test('no records: the seeds', () => {
  assert.deepEqual([basicCrc([]), annotationCrc([], 17)], [0, 12345678]);
});

test('zeros in front of a thread id count only in newer releases; stored copies of virtual entries never', () => {
  const [first] = REAL;
  assert.ok(first);
  const padded = record(1, 13, first.guid, '00000000000000df', '9');
  assert.notEqual(annotationCrc([padded], 17), annotationCrc([padded], 17, true));
  const copied = {
    ...first,
    annotations: [{ ...first.annotations[0], value: 'stale' }, ...first.annotations],
  };
  assert.equal(annotationCrc([copied as IndexRecord], 17), annotationCrc([first], 17));
});

test('which entries are fields of the index, of which a stored copy does not count, goes by its version', () => {
  const [first] = REAL;
  assert.ok(first);
  const since: [entry: string, version: number][] = [
    ['thrid', 13],
    ['savedate', 15],
    ['createdmodseq', 16],
    ['internaldate.nsec', 20],
    ['basethrid', 20],
  ];
  for (const [name, version] of since) {
    const copy: IndexRecord = {
      ...first,
      annotations: [{ entry: PREFIX + name, userid: 'anna', modseq: 0, value: '1' }],
    };
    const none = annotationCrc([], version);
    assert.equal(annotationCrc([copy], version), none, name);
    assert.notEqual(annotationCrc([copy], version - 1), none, name);
  }
});

test('counted in one pass the checksums are those that are counted one by one', () => {
  for (const version of [12, 13, 17, 20]) {
    const { crcBasic, crcAnnotations } = checksumsOf(REAL, version);
    assert.equal(crcBasic, basicCrc(REAL));
    assert.deepEqual(crcAnnotations, [annotationCrc(REAL, version), annotationCrc(REAL, version, true)]);
  }
});
