import { MAILBOX_NAME } from '../../grammar.ts';
import { type EncodedField, encodeKvlist, encodeNumber, encodeString } from '../dlist/encoders.ts';
import type { DlistMap, DlistValue } from '../dlist/value.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { MasterQuota, MasterSession, ReplicaQuota } from '../replica-session.ts';
import { apply } from './apply.ts';
import { dispatch } from './dispatch.ts';
import { optionalNumber, requireMap, requireName, requireNumber, unaskedOfMailbox } from './fields.ts';
import { LIMIT, MODSEQ } from './ranges.ts';

type QuotaCommands = Pick<MasterSession, 'getQuota' | 'applyQuota' | 'applyUnquota'>;

/** Limits of a quota root (protocol 10.9, 10.10). */
export function quotaCommands(queue: CommandQueue): QuotaCommands {
  return {
    getQuota(root) {
      let quota: MasterQuota | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'QUOTA',
        args: () => `QUOTA ${encodeString(root)}`,
        untagged: dispatch({
          QUOTA: (value) => {
            const found = decodeQuota(value);
            if (found.root !== root) throw unaskedOfMailbox('the quota root', found.root);
            quota = { ...found, modseq: optionalNumber(requireMap(value, 'QUOTA'), 'MODSEQ', MODSEQ) };
          },
        }),
        result: () => quota,
      });
    },

    applyQuota: (quota, modseq) =>
      apply(queue, 'QUOTA', () =>
        encodeKvlist([
          ['ROOT', encodeString(quota.root)],
          ['LIMIT', encodeLimit(quota.storage)],
          limitUnlessNone('STORAGE', quota.storage),
          limitUnlessNone('MESSAGE', quota.messages),
          limitUnlessNone('X-ANNOTATION-STORAGE', quota.annotationStorage),
          limitUnlessNone('X-NUM-FOLDERS', quota.folders),
          ['MODSEQ', encodeNumber(modseq)],
        ]),
      ),

    applyUnquota: (root) => apply(queue, 'UNQUOTA', () => encodeString(root)),
  };
}

/** "No limit" in LIMIT, which is 32 bits wide. */
const UNLIMITED = 4294967295;

/** A resource without limit is left out. */
function limitUnlessNone(key: string, value: number): EncodedField {
  return [key, value < 0 ? undefined : encodeNumber(value)];
}

function encodeLimit(limit: number): ReturnType<typeof encodeNumber> {
  return encodeNumber(limit < 0 ? UNLIMITED : limit);
}

/** `LIMIT` repeats STORAGE and is all that old servers send; a resource that is not named has no limit. */
export function decodeQuota(value: DlistValue): ReplicaQuota {
  const map = requireMap(value, 'QUOTA');
  return {
    root: requireName(map, 'ROOT', MAILBOX_NAME),
    storage: decodeLimit(map, 'STORAGE', 'LIMIT'),
    messages: decodeLimit(map, 'MESSAGE'),
    annotationStorage: decodeLimit(map, 'X-ANNOTATION-STORAGE', 'ANNOTATION-STORAGE'),
    folders: decodeLimit(map, 'X-NUM-FOLDERS', 'MAILBOX'),
  };
}

function decodeLimit(map: DlistMap, ...spellings: string[]): number {
  const key = spellings.find((spelling) => map.has(spelling));
  const limit = key === undefined ? UNLIMITED : requireNumber(map, key, LIMIT);
  return limit === UNLIMITED ? -1 : limit;
}
