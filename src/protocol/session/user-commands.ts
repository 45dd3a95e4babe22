import { type EncodedField, encodeKvlist, encodeNumber, encodeString } from '../dlist/encode.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';
import { encodedLimit } from './decode.ts';
import { apply } from './simple-apply.ts';

type UserCommands = Pick<
  ReplicaSession,
  | 'applySub'
  | 'applyUnsub'
  | 'applySeen'
  | 'applyQuota'
  | 'applyUnquota'
  | 'applyAnnotation'
  | 'applyUnannotation'
>;

/** Subscriptions, seen state, quota, annotations (protocol 10.7 to 10.12). */
export function userCommands(queue: CommandQueue): UserCommands {
  const subscription =
    (command: 'SUB' | 'UNSUB'): ReplicaSession['applySub'] =>
    (userid, name) =>
      apply(queue, command, () =>
        encodeKvlist([
          ['USERID', encodeString(userid)],
          ['MBOXNAME', encodeString(name)],
        ]),
      );
  return {
    applySub: subscription('SUB'),
    applyUnsub: subscription('UNSUB'),

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

    applyQuota: (quota, modseq) =>
      apply(queue, 'QUOTA', () =>
        encodeKvlist([
          ['ROOT', encodeString(quota.root)],
          ['LIMIT', encodeNumber(encodedLimit(quota.storage))],
          limit('STORAGE', quota.storage),
          limit('MESSAGE', quota.messages),
          limit('X-ANNOTATION-STORAGE', quota.annotationStorage),
          limit('X-NUM-FOLDERS', quota.folders),
          ['MODSEQ', encodeNumber(modseq)],
        ]),
      ),

    applyUnquota: (root) => apply(queue, 'UNQUOTA', () => encodeString(root)),

    applyAnnotation: (name, annotation) =>
      apply(queue, 'ANNOTATION', () =>
        encodeKvlist([
          ['MBOXNAME', encodeString(name)],
          ['ENTRY', encodeString(annotation.entry)],
          ['USERID', encodeString(annotation.userid)],
          ['VALUE', encodeString(annotation.value)],
        ]),
      ),

    applyUnannotation: (name, entry, userid) =>
      apply(queue, 'UNANNOTATION', () =>
        encodeKvlist([
          ['MBOXNAME', encodeString(name)],
          ['ENTRY', encodeString(entry)],
          ['USERID', encodeString(userid)],
        ]),
      ),
  };
}

/** A resource without limit is left out. */
function limit(key: string, value: number): EncodedField {
  return [key, value < 0 ? undefined : encodeNumber(value)];
}
