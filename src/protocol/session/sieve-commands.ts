import type { ByteString } from '../../byte-string.ts';
import { GUID, SCRIPT_FILE } from '../../grammar.ts';
import { type Encoded, encodeKvlist, encodeNumber, encodeString } from '../dlist/encoders.ts';
import type { DlistValue } from '../dlist/value.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { Piece } from '../link/output-queue.ts';
import type { ReplicaSession, ReplicaSieve } from '../replica-session.ts';
import { apply, applyPieces } from './apply.ts';
import { optionalNumber, optionalString, requireMap, requireName, requireNumber } from './fields.ts';
import { TIME, YES_OR_NO } from './ranges.ts';

type SieveCommands = Pick<
  ReplicaSession,
  'applySieve' | 'applyUnsieve' | 'applyActivateSieve' | 'applyUnactivateSieve'
>;

/** Scripts outside #sieve, for replicas without SIEVE-MAILBOX (protocol 10.13). */
export function sieveCommands(queue: CommandQueue): SieveCommands {
  return {
    applySieve: (userid, filename, lastUpdate, content) =>
      applyPieces(queue, 'SIEVE', scriptPieces(userid, filename, lastUpdate, content)),

    applyUnsieve: (userid, filename) => apply(queue, 'UNSIEVE', () => script(userid, filename)),
    applyActivateSieve: (userid, filename) => apply(queue, 'ACTIVATE_SIEVE', () => script(userid, filename)),
    applyUnactivateSieve: (userid) =>
      apply(queue, 'UNACTIVATE_SIEVE', () => encodeKvlist([['USERID', encodeString(userid)]])),
  };
}

function script(userid: ByteString, filename: ByteString): Encoded {
  return encodeKvlist([
    ['USERID', encodeString(userid)],
    ['FILENAME', encodeString(filename)],
  ]);
}

function* scriptPieces(
  userid: ByteString,
  filename: ByteString,
  lastUpdate: number,
  content: Buffer,
): Generator<Piece> {
  yield `SIEVE %(USERID ${encodeString(userid)} FILENAME ${encodeString(filename)}` +
    ` LAST_UPDATE ${encodeNumber(lastUpdate)} CONTENT `;
  yield { hidden: encodeString(content.toString('latin1')) };
  yield ')';
}

export function decodeSieve(value: DlistValue): ReplicaSieve {
  const map = requireMap(value, 'SIEVE');
  return {
    filename: requireName(map, 'FILENAME', SCRIPT_FILE),
    lastUpdate: requireNumber(map, 'LAST_UPDATE', TIME),
    guid: optionalString(map, 'GUID', GUID) ?? '',
    active: optionalNumber(map, 'ISACTIVE', YES_OR_NO) !== 0,
  };
}
