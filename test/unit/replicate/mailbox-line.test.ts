import assert from 'node:assert/strict';
import test from 'node:test';
import {
  afterApplying,
  emptyLine,
  emptyMailbox,
  intermediateLine,
  mailboxLine,
  partialLine,
} from '../../../src/replicate/compare/mailbox-line.ts';
import { senselessJump } from '../../../src/replicate/compare/senseless-jump.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const ANNOTATION = { entry: '/comment', userid: '', modseq: 3, value: 'words' };
const WORK = entry('user.anna.Work', { type: 'e', acl: 'anna\tlrs\t' });
const STATE = state({
  ...{ lastUid: 10, highestmodseq: 20, recentuid: 7, recenttime: 11, lastAppenddate: 12, pop3LastLogin: 13 },
  ...{
    pop3ShowAfter: 14,
    uidvalidity: 1000,
    options: 'PS',
    xconvmodseq: 21,
    raclmodseq: 6,
    createdmodseq: 2,
  },
  ...{ foldermodseq: 5, crcBasic: 111, crcAnnotations: 222, quotaroot: 'user.anna' },
});
const LOCAL = { entry: WORK, state: STATE, annotations: [ANNOTATION] };
const OPTIONS = { partition: 'there', local: true };
const THERE = remoteOf(WORK, STATE, {
  highestmodseq: 18,
  crcBasic: 1,
  crcAnnotations: 2,
  recentuid: 3,
  recenttime: 4,
});

/** All that a line says of a mailbox that the replica lacks. */
const WHOLE = {
  ...{ uniqueid: WORK.uniqueid, name: WORK.name, type: 'e', crcBasic: 111, crcAnnotations: 222, lastUid: 10 },
  ...{
    highestmodseq: 20,
    recentuid: 7,
    recenttime: 11,
    lastAppenddate: 12,
    pop3LastLogin: 13,
    pop3ShowAfter: 14,
  },
  ...{
    xconvmodseq: 21,
    raclmodseq: 6,
    uidvalidity: 1000,
    partition: 'there',
    acl: 'anna\tlrs\t',
    options: 'PS',
  },
  ...{
    quotaroot: 'user.anna',
    createdmodseq: 2,
    foldermodseq: 5,
    annotations: [ANNOTATION],
    keywords: undefined,
    groups: undefined,
  },
  ...{ since: undefined, intermediate: false, local: true },
};

test('the whole line says what the master has, and on what of the replica it builds', () => {
  assert.deepEqual(mailboxLine(LOCAL, undefined, OPTIONS), WHOLE);
  const since = { modseq: 18, crcBasic: 1, crcAnnotations: 2 };
  assert.deepEqual(mailboxLine(LOCAL, THERE, OPTIONS), { ...WHOLE, since });
  const unused = { ...THERE, highestmodseq: 0 };
  assert.equal(mailboxLine(LOCAL, unused, OPTIONS).since, undefined);
});

test('counters that go up alone are as high as the higher side’s, but for one that is not kept here', () => {
  const higher = mailboxLine(LOCAL, { ...THERE, raclmodseq: 60, foldermodseq: 50 }, OPTIONS);
  assert.deepEqual([higher.raclmodseq, higher.foldermodseq], [60, 50]);
  const lower = mailboxLine(LOCAL, { ...THERE, raclmodseq: 1, foldermodseq: 1 }, OPTIONS);
  assert.deepEqual([lower.raclmodseq, lower.foldermodseq], [6, 5]);
  const none = { ...LOCAL, state: { ...STATE, raclmodseq: 0 } };
  assert.equal(mailboxLine(none, { ...THERE, raclmodseq: 60 }, OPTIONS).raclmodseq, 0);
  const first = { ...LOCAL, state: { ...STATE, raclmodseq: 1, foldermodseq: 0 } };
  assert.equal(mailboxLine(first, { ...THERE, raclmodseq: 60 }, OPTIONS).raclmodseq, 60);
  const { raclmodseq, foldermodseq } = mailboxLine(first, undefined, OPTIONS);
  assert.deepEqual([raclmodseq, foldermodseq], [1, 0]);
});

test('a step says nothing that is not final: counters of the step, and the rest as the replica has it', () => {
  const limit = { uid: 4, modseq: 9 };
  const step = {
    ...WHOLE,
    ...{ crcBasic: 0, crcAnnotations: undefined, lastUid: 4, highestmodseq: 9, lastAppenddate: 0 },
  };
  const unset = {
    recentuid: 0,
    recenttime: 0,
    pop3LastLogin: 0,
    pop3ShowAfter: 0,
    xconvmodseq: 0,
    raclmodseq: 0,
  };
  assert.deepEqual(partialLine(LOCAL, undefined, limit, OPTIONS), { ...step, ...unset });
  const since = { modseq: 18, crcBasic: 1, crcAnnotations: 2 };
  const asThere = {
    recentuid: 3,
    recenttime: 4,
    pop3LastLogin: 13,
    pop3ShowAfter: 14,
    xconvmodseq: 0,
    raclmodseq: 6,
  };
  assert.deepEqual(partialLine(LOCAL, THERE, limit, OPTIONS), { ...step, ...asThere, since });
});

const UNUSED = {
  ...{ crcBasic: 0, crcAnnotations: undefined, lastUid: 0, recentuid: 0, recenttime: 0, lastAppenddate: 0 },
  ...{
    pop3LastLogin: 0,
    pop3ShowAfter: 0,
    xconvmodseq: 0,
    raclmodseq: 0,
    annotations: [],
    keywords: undefined,
    groups: undefined,
  },
  since: undefined,
};

test('groups are told where there are some, none only where the replica has some, and nothing of them in a step', () => {
  const told = (here: string | undefined, there: string | undefined) => {
    const local = { ...LOCAL, state: { ...STATE, groups: here } };
    const remote = { ...THERE, groups: there };
    const step = partialLine(local, remote, { uid: 4, modseq: 9 }, OPTIONS).groups;
    return [mailboxLine(local, remote, OPTIONS).groups, step];
  };
  assert.deepEqual(told('group:a', ''), ['group:a', undefined]);
  assert.deepEqual(told('group:a', undefined), ['group:a', undefined]);
  assert.deepEqual(told('', 'group:a'), ['', undefined]);
  assert.deepEqual(told('', ''), [undefined, undefined]);
  assert.deepEqual(told(undefined, 'group:a'), [undefined, undefined]);
});

test('what only a store of the development line has goes with each line of its own, and with none of an older store', () => {
  const newer = {
    ...LOCAL,
    entry: { ...WORK, jmapid: 'P12' },
    state: { ...STATE, indexVersion: 20, deletedmodseq: 4, compactEmailids: true },
  };
  const told = { jmapid: 'P12', indexVersion: 20, deletedmodseq: 4, compactEmailids: true };
  const limit = { uid: 4, modseq: 9 };
  assert.deepEqual(mailboxLine(newer, undefined, OPTIONS), { ...WHOLE, ...told });
  for (const line of [
    partialLine(newer, THERE, limit, OPTIONS),
    emptyLine(mailboxLine(newer, THERE, OPTIONS)),
  ]) {
    const { jmapid, indexVersion, deletedmodseq, compactEmailids } = line;
    assert.deepEqual({ jmapid, indexVersion, deletedmodseq, compactEmailids }, told);
  }
  const row = { name: 'n', uniqueid: 'u', jmapid: 'P13', type: 'ei', createdmodseq: 3, foldermodseq: 4 };
  assert.equal(intermediateLine(row, false).jmapid, 'P13');
});

test('a mailbox that is to be filled next, one of nobody, and a row without storage', () => {
  const line = mailboxLine(LOCAL, THERE, OPTIONS);
  assert.deepEqual(emptyLine(line), { ...line, ...UNUSED, highestmodseq: 1 });
  assert.deepEqual(emptyMailbox({ name: 'n', uniqueid: 'u', partition: 'p' }), {
    ...UNUSED,
    ...{
      name: 'n',
      uniqueid: 'u',
      partition: 'p',
      type: '',
      highestmodseq: 1,
      uidvalidity: 1,
      acl: '',
      options: '',
    },
    ...{ quotaroot: undefined, createdmodseq: 1, foldermodseq: 1, intermediate: false, local: true },
  });
  const row = { name: 'n', uniqueid: 'u', type: 'ei', createdmodseq: 3, foldermodseq: 4 };
  assert.deepEqual(intermediateLine(row, false), {
    ...UNUSED,
    ...{ ...row, highestmodseq: 4, uidvalidity: 0, partition: undefined, acl: '', options: '' },
    ...{ quotaroot: undefined, intermediate: true, local: false },
  });
});

test('of the replica after a step all is known but its checksums', () => {
  const { since: _, intermediate: _i, local: _l, ...mailbox } = mailboxLine(LOCAL, THERE, OPTIONS);
  assert.deepEqual(afterApplying(mailboxLine(LOCAL, THERE, OPTIONS), THERE, STATE), {
    ...mailbox,
    crcBasic: 0,
    crcAnnotations: 0,
    cleanedUpTo: undefined,
  });
});

test('each counter may jump as far as a use of the mailbox explains, and no further', () => {
  const NOW = 1_700_000_000;
  const YEAR = 366 * 24 * 60 * 60;
  const theirs = remoteOf(WORK, STATE);
  assert.equal(senselessJump(STATE, theirs, NOW), undefined);
  for (const [field, counter, most] of [
    ['UIDVALIDITY', 'uidvalidity', NOW + YEAR],
    ['LAST_UID', 'lastUid', 10 + 2 ** 24],
    ['HIGHESTMODSEQ', 'highestmodseq', 20 + 2 ** 32],
    ['XCONVMODSEQ', 'xconvmodseq', 21 + 2 ** 32],
    ['RACLMODSEQ', 'raclmodseq', 20 + 2 ** 32],
    ['FOLDERMODSEQ', 'foldermodseq', 20 + 2 ** 32],
    ['LAST_APPENDDATE', 'lastAppenddate', NOW + YEAR],
    ['POP3_LAST_LOGIN', 'pop3LastLogin', NOW + YEAR],
  ] as const) {
    assert.equal(senselessJump(STATE, { ...theirs, [counter]: most }, NOW), undefined, field);
    const jump = senselessJump(STATE, { ...theirs, [counter]: most + 1 }, NOW);
    assert.deepEqual(jump, { field, ours: STATE[counter], theirs: most + 1, most }, field);
  }
  const far = { ...STATE, uidvalidity: NOW + 2 * YEAR };
  assert.equal(
    senselessJump(far, { ...theirs, uidvalidity: NOW + 2 * YEAR }, NOW),
    undefined,
    'the master is as far',
  );
  const unread = { ...STATE, xconvmodseq: 2 ** 40, unread: [{ part: 'xconvmodseq' }] as never };
  const jump = senselessJump(unread, { ...theirs, xconvmodseq: 21 + 2 ** 32 }, NOW);
  assert.equal(jump?.field, 'XCONVMODSEQ', 'what could not be read here explains nothing');
});

test('a replica that had nothing has nothing that was cleaned up before, nor has it after further steps', () => {
  const line = mailboxLine(LOCAL, undefined, OPTIONS);
  for (const nothing of [undefined, { ...THERE, lastUid: 0 }]) {
    const first = afterApplying(line, nothing, { deletedmodseq: 7 });
    assert.equal(first.cleanedUpTo, 7);
    assert.equal(afterApplying(line, first, { deletedmodseq: 9 }).cleanedUpTo, 7);
  }
  assert.equal(afterApplying(line, THERE, { deletedmodseq: 7 }).cleanedUpTo, undefined);
});
