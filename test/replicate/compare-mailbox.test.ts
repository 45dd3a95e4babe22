import assert from 'node:assert/strict';
import test from 'node:test';
import { compareMailbox } from '../../src/replicate/compare-mailbox.ts';
import { entry, remoteOf, state } from './fakes.ts';

const OPTIONS = { reverseacls: false, conversations: true };

function compare(local: Parameters<typeof state>[0], remote: Parameters<typeof state>[0], options = OPTIONS) {
  const mailbox = entry('user.alice');
  return compareMailbox(
    { entry: mailbox, state: state(local), annotations: [] },
    remoteOf(mailbox, state(remote)),
    options,
  );
}

test('an XCONVMODSEQ that the replica has passed would be refused, so it is no delta', () => {
  const [here, there] = [
    { highestmodseq: 8, xconvmodseq: 7 },
    { highestmodseq: 8, xconvmodseq: 8 },
  ];
  const comparison = compare(here, there);
  assert.equal(comparison.kind === 'diverged' && comparison.reason, 'xconvmodseq-higher-on-replica');
  assert.equal(compare(there, here).kind, 'delta');
  assert.equal(compare(here, there, { ...OPTIONS, conversations: false }).kind, 'unchanged');
});
