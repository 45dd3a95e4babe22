import type { ReplicaMailbox } from '../../protocol/replica-session.ts';
import type { DivergedReason, MailboxEvent } from '../../report/events.ts';
import { checksumsOf } from '../../store/mailbox/checksums.ts';
import type { IndexRecord, LockedMailbox } from '../../store/master-store.ts';
import type { LocalMailbox } from '../compare/compare-mailbox.ts';
import type { EngineContext } from '../connection/engine-context.ts';

/** Differences that one wrong checksum in the master's index looks like, as much as mail that differs. */
const CHECKSUM_REASONS: readonly DivergedReason[] = [
  'crc-differs-at-same-modseq',
  'crc-differs-below-append',
  'checksum-refused',
];

/**
 * Tells whether the checksums in the master's index have to be doubted before the mailboxes are said to differ. Cyrus
 * itself counts again and writes down what it finds (3.6.1 leaves a wrong one behind when a user with private annotations
 * is renamed); where the master may be written to, its own server is made to do that.
 */
export function isDoubtful({ options, master }: EngineContext, reason: DivergedReason): boolean {
  return (options.noCopyback || master === undefined) && CHECKSUM_REASONS.includes(reason);
}

/**
 * Replaces the checksums of the index by those that its records have. The mailbox stays as it is if the index has fewer or
 * more records than it says.
 */
export function withCountedChecksums(
  mailbox: LockedMailbox,
  local: LocalMailbox,
  remote: Pick<ReplicaMailbox, 'crcAnnotations'> | undefined,
): LocalMailbox {
  const { state } = local;
  let live = 0;
  const counted = checksumsOf(
    recordsOf(mailbox, () => live++),
    state.indexVersion,
  );
  // Records are missing: the checksum in the index may well be right.
  if (live !== state.exists) return local;
  // Newer releases count thread ids in another way; whichever way one of the sides has counted is the one.
  const known = [state.crcAnnotations, remote?.crcAnnotations];
  const crcAnnotations = counted.crcAnnotations.find((crc) => known.includes(crc));
  return {
    ...local,
    state: {
      ...state,
      crcBasic: state.crcBasic === 0 ? 0 : counted.crcBasic,
      crcAnnotations: state.crcAnnotations === 0 ? 0 : (crcAnnotations ?? counted.crcAnnotations[0]),
    },
  };
}

function* recordsOf(mailbox: LockedMailbox, onLive: () => void): Generator<IndexRecord> {
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) {
      if (!page.expunged(i)) onLive();
      yield page.record(i);
    }
  }
}

type ChecksumEvent = Extract<MailboxEvent, { kind: 'mailbox:checksum-stale' }>;

/** @returns undefined if the index is right */
export function staleChecksums(
  { entry, state }: LocalMailbox,
  counted: LocalMailbox,
): ChecksumEvent | undefined {
  const { crcBasic, crcAnnotations } = counted.state;
  if (crcBasic === state.crcBasic && crcAnnotations === state.crcAnnotations) return undefined;
  return {
    kind: 'mailbox:checksum-stale',
    name: entry.name,
    stored: { crcBasic: state.crcBasic, crcAnnotations: state.crcAnnotations },
    counted: { crcBasic, crcAnnotations },
  };
}
