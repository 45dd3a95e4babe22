import type { ByteString } from '../../byte-string.ts';
import type { WireAnnotation, WireRecord } from '../../protocol/replica-session.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MailboxState } from '../../store/master-store.ts';
import { senselessAnnotation } from '../compare/senseless-annotation.ts';
import { type Counters, senselessJump } from '../compare/senseless-jump.ts';

/** A mailbox as the replica tells of it, or as the master is to be told of it. */
interface ToldMailbox extends Counters {
  name: ByteString;
  annotations: readonly WireAnnotation[];
}

/**
 * Refuses what no use of the mailbox explains: once the master had it there would be no way back.
 *
 * @param ours the master's side as it was looked at
 * @param untouched what has not been changed so far, for the operator
 * @throws SyncError CONFLICT
 */
export function checkSensible(
  ours: MailboxState,
  told: ToldMailbox,
  records: Iterable<Pick<WireRecord, 'uid' | 'annotations'>>,
  untouched: string,
): void {
  const senseless = (what: string): SyncError =>
    new SyncError('CONFLICT', `the replica's ${what} expected`, {
      phase: 'compare',
      mailbox: told.name,
      hint: `${untouched}; if the mailbox on the replica is damaged, remove it there and run again`,
    });
  const nowSeconds = Date.now() / 1000;
  const jump = senselessJump(ours, told, nowSeconds);
  if (jump !== undefined) {
    const { field, theirs, most } = jump;
    throw senseless(
      `${field} ${theirs} is beyond what any use of the mailbox explains: ${jump.ours} here, at most ${most}`,
    );
  }
  const checkAnnotations = (annotations: readonly WireAnnotation[], ofMessage: string): void => {
    const found = senselessAnnotation(ours.highestmodseq, annotations, nowSeconds);
    if (found === undefined) return;
    const { field, theirs, most } = found;
    throw senseless(
      `${field}${ofMessage} is ${theirs}, beyond what any use of the mailbox explains: at most ${most}`,
    );
  };
  checkAnnotations(told.annotations, '');
  for (const { uid, annotations } of records) checkAnnotations(annotations, ` of message ${uid}`);
}
