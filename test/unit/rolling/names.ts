import fc from 'fast-check';
import type { ByteString } from '../../../src/byte-string.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';

/** Enough of the rule for these tests: `dom!user.x.y`, `user.x.y`, `DELETED.user.x.y.TIME`. */
export function ownerOf(name: ByteString): ByteString | undefined {
  const match = /^(?:([^!]+)!)?(?:DELETED\.)?user\.([^.]+)/.exec(name);
  if (!match?.[2]) return undefined;
  const localpart = match[2].replaceAll('^', '.');
  return match[1] === undefined ? localpart : `${localpart}@${match[1]}`;
}

const userid = fc.constantFrom('alice', 'bob', 'carol', 'dave@example.org');
const mailbox = fc.constantFrom(
  'user.alice',
  'user.alice.Sent',
  'user.bob',
  'user.bob.a b',
  'user.carol.{x}',
  'DELETED.user.carol.Gone.6B04D978',
  'example.org!user.dave',
  'shared',
  'shared.news',
  'DELETED.shared.old.6B04D978',
);
const uniqueid = fc.constantFrom('id1', 'id2');

/** Plain objects, as the parser makes them. */
export const plain = { noNullPrototype: true } as const;

/** Few names, so that lines meet. */
export const logLine: fc.Arbitrary<LogLine> = fc.oneof(
  fc.record({ type: fc.constantFrom('USER', 'UNUSER', 'META', 'SIEVE'), userid }, plain),
  fc.record({ type: fc.constantFrom('MAILBOX', 'APPEND', 'UNMAILBOX'), name: mailbox }, plain),
  fc.record(
    {
      type: fc.constant('ANNOTATION' as const),
      name: fc.oneof({ weight: 3, arbitrary: mailbox }, fc.constant('')),
    },
    plain,
  ),
  fc.record({ type: fc.constant('QUOTA' as const), root: mailbox }, plain),
  fc.record({ type: fc.constantFrom('RENAME', 'DOUBLEMAILBOX'), from: mailbox, to: mailbox }, plain),
  fc.record({ type: fc.constant('SEEN' as const), userid, uniqueid }, plain),
  fc.record({ type: fc.constantFrom('SUB', 'UNSUB'), userid, name: mailbox }, plain),
);
