import assert from 'node:assert/strict';
import test from 'node:test';
import { mergeReadable } from '../../../src/replicate/merge/merge-readable.ts';
import type { MailboxMessages } from '../../../src/store/master-store.ts';
import { record } from '../../lab/engine-fakes.ts';
import { StreamedOctets } from '../../lab/streamed-octets.ts';

test('a very large message that is read only to know that it can be is given up', async () => {
  const streams: StreamedOctets[] = [];
  const messages: MailboxMessages = {
    keepFiles: () => ({ [Symbol.dispose]: () => {} }),
    readMessage: async () => {
      const stream = StreamedOctets.inPieces(Buffer.from('large'), 5);
      streams.push(stream);
      return stream;
    },
  };
  const { leftOut } = await mergeReadable(
    { lastUid: 2, highestmodseq: 5, deletedmodseq: 0, exists: 2, indexVersion: 17 },
    [record(1, 1), record(2, 1)],
    messages,
    { lastUid: 3, highestmodseq: 5, records: [] },
    { leftOut: new Map(), readAll: false },
  );
  assert.deepEqual(leftOut, []);
  assert.deepEqual(
    streams.map(({ isGivenUp }) => isGivenUp),
    [true, true],
  );
});
