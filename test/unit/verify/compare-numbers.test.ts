import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareMailbox } from '../../../src/replicate/compare/compare-mailbox.ts';
import { compareNumbers } from '../../../src/verify/compare-numbers.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const few = fc.integer({ min: 0, max: 3 });
const side = fc.record({
  ...{ lastUid: few, highestmodseq: few, recentuid: few, recenttime: few, uidvalidity: few },
  ...{ pop3LastLogin: few, pop3ShowAfter: few, xconvmodseq: few, raclmodseq: few, foldermodseq: few },
  ...{ crcBasic: few, crcAnnotations: few, options: fc.constantFrom('', 'P', 'PS') },
});
const annotations = fc.constantFrom([], [{ entry: '/comment', userid: '', modseq: 1, value: 'words' }]);

test('something is said to differ exactly where the engine would replicate', () => {
  const options = fc.record({ reverseacls: fc.boolean(), conversations: fc.boolean() });
  const groups = fc.constantFrom(undefined, '', 'group:a');
  const all = [
    side,
    side,
    few,
    annotations,
    annotations,
    fc.constantFrom('', 'e', 'f'),
    options,
    groups,
    groups,
  ] as const;
  fc.assert(
    fc.property(...all, (ours, theirs, deletedmodseq, here, there, type, compared, inGroups, theirGroups) => {
      const listed = entry('user.alice');
      const local = {
        entry: listed,
        state: state({ ...ours, deletedmodseq, groups: inGroups }),
        annotations: here,
      };
      const told = { annotations: [...there], groups: theirGroups };
      const remote = { ...remoteOf(listed, state(theirs), told), type };
      const differences = compareNumbers(local, remote, compared);
      assert.equal(
        differences.length === 0,
        compareMailbox(local, remote, compared).kind === 'unchanged',
        JSON.stringify(differences),
      );
      // Nothing is told in place of something else.
      const modseqs = ours.highestmodseq !== theirs.highestmodseq || deletedmodseq > theirs.highestmodseq;
      for (const { kind, master, replica } of differences) {
        assert.notEqual(master, replica, kind);
        if (kind === 'highestmodseq') assert.ok(modseqs, JSON.stringify(differences));
      }
    }),
    { numRuns: 5_000 },
  );
});

test('another name and another uniqueid differ, whatever the rest is', () => {
  const listed = entry('user.alice.Sent');
  const local = { entry: listed, state: state(), annotations: [] };
  const remote = { ...remoteOf(listed, state(), {}), name: 'user.alice.Old', uniqueid: 'other' };
  const options = { reverseacls: false, conversations: false };
  assert.deepEqual(
    compareNumbers(local, remote, options).map(({ kind, mailbox }) => [kind, mailbox]),
    [
      ['name', 'user.alice.Sent'],
      ['uniqueid', 'user.alice.Sent'],
    ],
  );
});
