/**
 * The door of `replicate/compare`. Here is decided what has to be sent: comparison, delta, the MAILBOX line, what a
 * checksum will be, what no use explains. It may know the types of store and protocol and nothing that waits: plain data
 * in, plain data out, no await and no session, because most of it runs under Cyrus's locks. A delta that could lose or
 * remove something unseen is never proposed: such a mailbox is `diverged`.
 */

import type { DivergedReason } from '../../report/events.ts';
import type { Annotation, MailboxEntry, MailboxState } from '../../store/master-store.ts';
import type { KnownMailbox } from './known-mailbox.ts';
import { sameGroups } from './same-groups.ts';

/** The master's side of one mailbox, as read under its index lock. */
export interface LocalMailbox {
  entry: MailboxEntry;
  state: MailboxState;
  annotations: readonly Annotation[];
}

export interface CompareOptions {
  /** `reverseacls`: RACLMODSEQ counts. */
  reverseacls: boolean;
  /** `conversations`: XCONVMODSEQ counts. `as-told`: where the master tells one, as only a server with conversations does. */
  conversations: boolean | 'as-told';
}

/** @param xconvmodseq the master's */
export function countsConversations({ conversations }: CompareOptions, xconvmodseq: number): boolean {
  return conversations === 'as-told' ? xconvmodseq !== 0 : conversations;
}

/**
 * The conclusion from numbers alone about a mailbox that both sides have, before anything is sent.
 *
 * `diverged`: a plain delta cannot bring the replica to the master's state, because the replica holds something that
 * the master does not account for; sending one anyway can move the replica's LAST_UID past messages that it never
 * received (algorithm 14, row 9), so it is never tried.
 *
 * `cleaned-up`: the master has removed messages for good since. Whether the replica ever had them, and still has, only
 * its checksum against the master's records tells: where not, a plain delta does.
 */
export type Comparison =
  | { kind: 'unchanged' }
  | { kind: 'delta' }
  | ({ kind: 'cleaned-up' } & Divergence)
  | ({ kind: 'diverged' } & Divergence);

export interface Divergence {
  reason: DivergedReason;
  detail: string;
}

/** Compares (algorithm 5.1), taking what the C client would first write to the master as if it were written. */
export function compareMailbox(
  local: LocalMailbox,
  remote: KnownMailbox,
  options: CompareOptions,
): Comparison {
  const { state } = local;
  const diverged = divergence(state, remote, options);
  if (diverged) return diverged;
  return sameState(local, remote, options) ? { kind: 'unchanged' } : { kind: 'delta' };
}

function divergence(
  state: MailboxState,
  remote: KnownMailbox,
  { conversations }: CompareOptions,
): Comparison | undefined {
  const higher = (reason: DivergedReason, what: string, ours: number, theirs: number): Comparison => ({
    kind: 'diverged',
    reason,
    detail: `${what} is ${ours} here, ${theirs} on the replica`,
  });
  if (remote.uidvalidity > state.uidvalidity) {
    return higher('uidvalidity-higher-on-replica', 'UIDVALIDITY', state.uidvalidity, remote.uidvalidity);
  }
  if (remote.highestmodseq > state.highestmodseq) {
    return higher('modseq-higher-on-replica', 'HIGHESTMODSEQ', state.highestmodseq, remote.highestmodseq);
  }
  if (remote.lastUid > state.lastUid) {
    return higher('uid-higher-on-replica', 'LAST_UID', state.lastUid, remote.lastUid);
  }
  if (conversations && state.xconvmodseq !== 0 && remote.xconvmodseq > state.xconvmodseq) {
    return higher('xconvmodseq-higher-on-replica', 'XCONVMODSEQ', state.xconvmodseq, remote.xconvmodseq);
  }
  const { deletedmodseq } = state;
  // A mailbox that was never given a message cannot have one left of those.
  const hadMail = remote.highestmodseq !== 0 && remote.lastUid !== 0;
  const heardUpTo = Math.max(remote.highestmodseq, remote.cleanedUpTo ?? 0);
  if (hadMail && deletedmodseq !== undefined && deletedmodseq > heardUpTo) {
    return {
      kind: 'cleaned-up',
      reason: 'cleaned-up-on-master',
      detail: `the modseq up to which expunged messages were cleaned up is ${deletedmodseq} here, ${remote.highestmodseq} on the replica`,
    };
  }
  if (
    remote.highestmodseq === state.highestmodseq &&
    remote.lastUid === state.lastUid &&
    !sameChecksums(state, remote)
  ) {
    return {
      kind: 'diverged',
      reason: 'crc-differs-at-same-modseq',
      detail: `SYNC_CRC ${state.crcBasic}/${state.crcAnnotations} here, ${remote.crcBasic}/${remote.crcAnnotations} on the replica, both at modseq ${state.highestmodseq}`,
    };
  }
  return undefined;
}

function sameState(local: LocalMailbox, remote: KnownMailbox, options: CompareOptions): boolean {
  const { entry, state } = local;
  return (
    sameType(remote.type, entry.type) &&
    remote.lastUid === state.lastUid &&
    remote.highestmodseq === state.highestmodseq &&
    remote.uidvalidity === state.uidvalidity &&
    remote.recentuid === state.recentuid &&
    remote.recenttime === state.recenttime &&
    remote.pop3LastLogin === state.pop3LastLogin &&
    remote.pop3ShowAfter === state.pop3ShowAfter &&
    comparableOptions(remote.options) === comparableOptions(state.options) &&
    remote.acl === entry.acl &&
    // Higher on the replica is what the C client would take over, and then find equal.
    (remote.foldermodseq === 0 || remote.foldermodseq >= state.foldermodseq) &&
    (!options.reverseacls ||
      remote.raclmodseq === 0 ||
      state.raclmodseq === 0 ||
      remote.raclmodseq >= state.raclmodseq) &&
    (!countsConversations(options, state.xconvmodseq) || remote.xconvmodseq === state.xconvmodseq) &&
    sameGroups(local, remote) &&
    sameAnnotations(local.annotations, remote.annotations) &&
    sameChecksums(state, remote)
  );
}

/** Plain mail is `e` or nothing, also before a flag (`i`, `ei`): servers differ in whether they write it. */
export function sameType(a: string, b: string): boolean {
  return a.replace(/^e/, '') === b.replace(/^e/, '');
}

/** 0 on either side matches anything, per half (protocol 13). */
export function sameChecksums(
  a: { crcBasic: number; crcAnnotations: number },
  b: { crcBasic: number; crcAnnotations: number },
): boolean {
  return matches(a.crcBasic, b.crcBasic) && matches(a.crcAnnotations, b.crcAnnotations);
}

function matches(a: number, b: number): boolean {
  return a === b || a === 0 || b === 0;
}

/** Both lists are in wire order; the modseq of a mailbox annotation is not compared. */
export function sameAnnotations(
  a: readonly Omit<Annotation, 'modseq'>[],
  b: readonly Omit<Annotation, 'modseq'>[],
): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => {
      const other = b[i];
      return (
        other !== undefined &&
        one.entry === other.entry &&
        one.userid === other.userid &&
        one.value === other.value
      );
    })
  );
}

function comparableOptions(options: string): string {
  return [...'PSDA'].filter((letter) => options.includes(letter)).join('');
}
