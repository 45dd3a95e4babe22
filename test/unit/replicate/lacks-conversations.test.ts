import assert from 'node:assert/strict';
import test from 'node:test';
import type { CompareOptions } from '../../../src/replicate/compare/compare-mailbox.ts';
import { lacksConversations } from '../../../src/replicate/compare/lacks-conversations.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const INBOX = entry('user.alice');
const STATE = state({ lastUid: 10, highestmodseq: 20, xconvmodseq: 20 });
const ON: CompareOptions = { reverseacls: false, conversations: true };

const COUNTED = { here: STATE, there: 20, highestmodseq: 20, options: ON };

function isTold(differs: Partial<typeof COUNTED>): boolean {
  const { here, there, highestmodseq, options } = { ...COUNTED, ...differs };
  const remote = remoteOf(INBOX, STATE, { xconvmodseq: there, highestmodseq });
  return lacksConversations({ entry: INBOX, state: here, annotations: [] }, remote, options);
}

test('a mailbox whose counter of conversations alone is missing on the replica is told', () => {
  assert.equal(isTold({ there: 0 }), true);
  assert.equal(isTold({ there: 0, options: { ...ON, conversations: 'as-told' } }), true);
});

test('who counts conversations, is behind anyway, or has none here, is not', () => {
  assert.equal(isTold({}), false);
  assert.equal(isTold({ there: 7 }), false);
  assert.equal(isTold({ there: 0, highestmodseq: 19 }), false);
  assert.equal(isTold({ there: 0, here: { ...STATE, xconvmodseq: 0 } }), false);
  assert.equal(isTold({ there: 0, options: { ...ON, conversations: false } }), false);
});
