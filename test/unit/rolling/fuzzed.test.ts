import assert from 'node:assert/strict';
import { formatLogLine } from '../../../src/rolling/log/log-line.ts';
import { LogParser } from '../../../src/rolling/log/log-parser.ts';
import { fuzz } from '../../lab/fuzz.ts';

fuzz('the sync log', {
  seeds: [
    'USER anna\nMAILBOX user.anna\nMAILBOX "user.anna.a b"\nSEEN anna abc\nSUB anna user.anna\n',
    'APPEND user.anna\nACL user.anna\nRENAME user.a user.b\nUNUSER anna\nUNMAILBOX {9}\r\nuser.anna\nQUOTA user.anna\n',
  ],
  words: ['USER', 'MAILBOX', 'META', 'SIEVE', 'ANNOTATION', '{9}\r\n', '{9+}\n', '"\\"'],
  read: (octets) => {
    const parser = new LogParser();
    const half = octets.length >> 1;
    const lines = [
      ...parser.feed(octets.subarray(0, half)),
      ...parser.feed(octets.subarray(half)),
      ...parser.end(),
    ];
    // Whatever is kept of a log is read again as the same lines.
    const kept = lines.flatMap((each) => (each.kind === 'line' ? [each.line] : []));
    const again = new LogParser();
    const text = Buffer.from(kept.map(formatLogLine).join(''), 'latin1');
    const read = [...again.feed(text), ...again.end()].map((each) =>
      each.kind === 'line' ? each.line : each,
    );
    assert.deepEqual(read, kept);
  },
});
