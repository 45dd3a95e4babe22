import { UID_SEQUENCE, UNIQUEID } from '../../grammar.ts';
import { encodeKvlist, encodeNumber, encodeString } from '../dlist/encoders.ts';
import type { DlistValue } from '../dlist/value.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession, WireSeen } from '../replica-session.ts';
import { apply } from './apply.ts';
import { requireMap, requireName, requireNumber, requireString } from './fields.ts';
import { TIME, UID_OR_NONE } from './ranges.ts';

type SeenCommands = Pick<ReplicaSession, 'applySeen'>;

/** Commands about what a user has read in a mailbox whose owner is somebody else (protocol 10.8). */
export function seenCommands(queue: CommandQueue): SeenCommands {
  return {
    applySeen: (userid, seen) =>
      apply(queue, 'SEEN', () =>
        encodeKvlist([
          ['USERID', encodeString(userid)],
          ['UNIQUEID', encodeString(seen.uniqueid)],
          ['LASTREAD', encodeNumber(seen.lastread)],
          ['LASTUID', encodeNumber(seen.lastuid)],
          ['LASTCHANGE', encodeNumber(seen.lastchange)],
          ['SEENUIDS', encodeString(seen.seenuids)],
        ]),
      ),
  };
}

export function decodeSeen(value: DlistValue): WireSeen {
  const map = requireMap(value, 'SEEN');
  return {
    uniqueid: requireName(map, 'UNIQUEID', UNIQUEID),
    lastread: requireNumber(map, 'LASTREAD', TIME),
    lastuid: requireNumber(map, 'LASTUID', UID_OR_NONE),
    lastchange: requireNumber(map, 'LASTCHANGE', TIME),
    seenuids: requireString(map, 'SEENUIDS', UID_SEQUENCE),
  };
}
