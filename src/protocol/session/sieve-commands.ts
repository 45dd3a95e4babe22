import type { ByteString } from '../../byte-string.ts';
import { GUID, SCRIPT_FILE } from '../../grammar.ts';
import { type Encoded, encodeKvlist, encodeNumber, encodeString } from '../dlist/encoders.ts';
import type { DlistValue } from '../dlist/value.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { Piece } from '../link/output-queue.ts';
import type { MasterSession, ReplicaSieve } from '../replica-session.ts';
import { apply, applyPieces } from './apply.ts';
import { dispatch } from './dispatch.ts';
import {
  optionalNumber,
  optionalString,
  requireMap,
  requireName,
  requireNumber,
  requireText,
  unasked,
  unusable,
} from './fields.ts';
import { TIME, YES_OR_NO } from './ranges.ts';

type SieveCommands = Pick<
  MasterSession,
  'fetchScript' | 'applySieve' | 'applyUnsieve' | 'applyActivateSieve' | 'applyUnactivateSieve'
>;

/** Scripts outside #sieve, for servers without SIEVE-MAILBOX (protocol 9, 10.13). */
export function sieveCommands(queue: CommandQueue): SieveCommands {
  return {
    fetchScript(userid, filename) {
      let content: Buffer | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'FETCH_SIEVE',
        args: () => `FETCH_SIEVE ${script(userid, filename)}`,
        untagged: dispatch({
          SIEVE: (value) => {
            const map = requireMap(value, 'SIEVE');
            const found = requireName(map, 'FILENAME', SCRIPT_FILE);
            if (found !== filename) throw unasked('the script', found);
            content = Buffer.from(requireText(map, 'CONTENT'), 'latin1');
          },
        }),
        result: () => {
          if (content === undefined) throw unusable('SIEVE', undefined);
          return content;
        },
      });
    },

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
