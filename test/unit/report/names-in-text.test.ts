import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Difference } from '../../../src/report/difference.ts';
import { differenceLine } from '../../../src/report/difference.ts';
import { reportEntry } from '../../../src/report/document/report-entry.ts';
import { nameInText, spellNames } from '../../../src/report/name-in-text.ts';
import { printable, printableBytes } from '../../../src/report/printable.ts';
import { reasonOf, reasonWithHint } from '../../../src/report/reasons.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { logLines } from '../../../src/report/words/log-lines.ts';
import { externalName } from '../../../src/store/paths/external-name.ts';

const spell = (internal: string): string => externalName({ unixhierarchysep: true }, internal);
const one = nameInText('user.jo^smith.Work');
const other = nameInText('example.org!user.bob.Letters');
const error = new SyncError('MAILBOX_DAMAGED', `${one} and ${other} are two`, {
  user: 'jo.smith',
  mailbox: 'user.jo^smith.Work',
  hint: `copy ${one}`,
});
const WORDS = 'user/jo.smith/Work and user/bob/Letters@example.org are two';

test('every mailbox that a reason or its advice names is spelled as the administrator types it', () => {
  const reason = reasonWithHint(error.toData(), spell);
  assert.equal(reason, `user/jo.smith/Work: ${WORDS} (copy user/jo.smith/Work)`);
});

test('so it is where the error came from a thread, and where its message is a part of another', () => {
  const there = SyncError.fromData(structuredClone(error.toData())).within({ phase: 'folders' });
  const around = new SyncError(there.code, `the server of the master: ${there.message} (and 2 more)`);
  assert.equal(reasonOf(around.toData(), spell), `the server of the master: ${WORDS} (and 2 more)`);
});

test('so it is in the log, where the C client has the words names stay as Cyrus files them', () => {
  const context = { mode: 'all', channel: undefined, server: 'r', spellMailbox: spell } as const;
  const textOf = (event: Parameters<typeof logLines>[0]) => logLines(event, context).map(({ text }) => text);
  const name = 'user.jo^smith.Work';
  assert.deepEqual(textOf({ kind: 'mailbox:failed', name, error: error.toData() }), [
    `do_folders(): update failed: user.jo^smith.Work '${WORDS}'`,
  ]);
  const checksums = { crcBasic: 1, crcAnnotations: 2 };
  assert.match(
    textOf({ kind: 'mailbox:checksum-stale', name, stored: checksums, counted: checksums }).join(),
    /^the checksum in the index of user\/jo\.smith\/Work is not that of its records/,
  );
  assert.deepEqual(textOf({ kind: 'mailbox:held-back', above: name, names: [`${name}.a`] }), [
    'do_folders(): not sent, because user/jo.smith/Work is not on the replica: user/jo.smith/Work/a',
  ]);
});

test('so it is in a report, with the values of differences that are names', () => {
  const name = 'user.anna.Old';
  const found: Difference[] = [
    { kind: 'name', user: 'anna', mailbox: name, master: name, replica: 'user.anna.New' },
    { kind: 'quota', user: 'anna', what: 'user.anna', master: 'STORAGE 5', replica: undefined },
    { kind: 'acl', user: 'anna', mailbox: name, master: 'a.b lrs', replica: undefined },
    { kind: 'unusable', user: 'anna', mailbox: name, master: '', replica: error.message },
  ];
  const effort = { attempts: 1, lockWaits: 0, mailboxes: 0, messages: 0, octets: 0, elapsedMs: 0 };
  const settled = { key: 'anna', user: 'anna', status: 'failed', error: error.toData(), effort } as const;
  const damage = { uid: 7, guid: 'a', path: `${nameInText(name)} 7`, cause: 'missing' } as const;
  const entry = reportEntry(
    settled,
    { graded: undefined, damagedCount: 1, damaged: [{ name, damage }], found } as never,
    spell,
  );
  assert.equal(entry.error?.message, WORDS);
  assert.equal(entry.error?.hint, 'copy user/jo.smith/Work');
  assert.equal(entry.damaged[0]?.path, 'user/anna/Old 7');
  assert.deepEqual(
    entry.found.map(({ what, master, replica }) => [what, master, replica]),
    [
      [null, 'user/anna/Old', 'user/anna/New'],
      ['user/anna', 'STORAGE 5', null],
      [null, 'a.b lrs', null],
      [null, '', WORDS],
    ],
  );
  assert.deepEqual(
    found.slice(0, 2).map((difference) => differenceLine(difference, spell)),
    [
      'user/anna/Old: name: user/anna/Old on the master, user/anna/New on the replica',
      'anna: quota of user/anna is missing on the replica (STORAGE 5)',
    ],
  );
});

test('where nobody knows the spelling a name is printed as Cyrus files it, with nothing around it', () => {
  for (const print of [printable, printableBytes])
    assert.equal(print(error.message), 'user.jo^smith.Work and example.org!user.bob.Letters are two');
});

test('no octets that a peer says are taken for a name', () => {
  const octets = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(fc.property(octets, (said) => assert.equal(spellNames(said, spell), said)));
  fc.assert(
    fc.property(octets, octets, (name, said) =>
      assert.equal(spellNames(`${said}${nameInText(name)}${said}`, spell), `${said}${spell(name)}${said}`),
    ),
  );
});
