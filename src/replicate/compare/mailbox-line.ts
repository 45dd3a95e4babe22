import type { ByteString } from '../../byte-string.ts';
import type { ReplicaMailbox, WireMailbox } from '../../protocol/replica-session.ts';
import type { MailboxEntry, MailboxState } from '../../store/master-store.ts';
import type { LocalMailbox } from './compare-mailbox.ts';
import type { KnownMailbox } from './known-mailbox.ts';

/** Where one step of a mailbox that is sent in several ends (algorithm 5.4). */
export interface PartialLimit {
  uid: number;
  modseq: number;
}

export interface LineOptions {
  /** Partition on the replica. */
  partition: ByteString;
  local: boolean;
}

/** The MAILBOX line that brings the replica from `remote` (undefined: it has no such mailbox) to the master's state. */
export function mailboxLine(
  local: LocalMailbox,
  remote: ReplicaMailbox | undefined,
  options: LineOptions,
): WireMailbox {
  const { entry, state } = local;
  return {
    uniqueid: entry.uniqueid,
    name: entry.name,
    type: entry.type,
    crcBasic: state.crcBasic,
    crcAnnotations: state.crcAnnotations,
    lastUid: state.lastUid,
    highestmodseq: state.highestmodseq,
    recentuid: state.recentuid,
    recenttime: state.recenttime,
    lastAppenddate: state.lastAppenddate,
    pop3LastLogin: state.pop3LastLogin,
    pop3ShowAfter: state.pop3ShowAfter,
    xconvmodseq: state.xconvmodseq,
    // The C client first raises the master's own value to the replica's; sending it says the same without the write.
    raclmodseq: state.raclmodseq === 0 ? 0 : Math.max(state.raclmodseq, remote?.raclmodseq ?? 0),
    uidvalidity: state.uidvalidity,
    partition: options.partition,
    acl: entry.acl,
    options: state.options,
    quotaroot: state.quotaroot,
    createdmodseq: state.createdmodseq,
    foldermodseq: Math.max(state.foldermodseq, remote?.foldermodseq ?? 0),
    annotations: [...local.annotations],
    keywords: state.keywords,
    ...developmentFields(local),
    // The C client never tells of none, so that who leaves the last group stays in it on the replica.
    groups: state.groups || (remote?.groups ? state.groups : undefined),
    since: since(remote),
    intermediate: false,
    local: options.local,
  };
}

/**
 * The MAILBOX line of one step that ends at `limit`: counters of the step, no checksums, and what is not final yet as the
 * replica has it.
 */
export function partialLine(
  local: LocalMailbox,
  remote: ReplicaMailbox | undefined,
  limit: PartialLimit,
  options: LineOptions,
): WireMailbox {
  return {
    ...mailboxLine(local, remote, options),
    crcBasic: 0,
    crcAnnotations: undefined,
    lastUid: limit.uid,
    highestmodseq: limit.modseq,
    recentuid: remote?.recentuid ?? 0,
    recenttime: remote?.recenttime ?? 0,
    lastAppenddate: 0,
    pop3LastLogin: remote?.pop3LastLogin ?? 0,
    pop3ShowAfter: remote?.pop3ShowAfter ?? 0,
    // The replica raises its own with every step, and refuses a lower one: what it had before is out of date from the second on.
    xconvmodseq: 0,
    raclmodseq: remote?.raclmodseq ?? 0,
    groups: undefined,
  };
}

/** The numbers of a mailbox that has never had a record. */
const UNUSED = {
  crcBasic: 0,
  crcAnnotations: undefined,
  lastUid: 0,
  recentuid: 0,
  recenttime: 0,
  lastAppenddate: 0,
  pop3LastLogin: 0,
  pop3ShowAfter: 0,
  xconvmodseq: 0,
  raclmodseq: 0,
  annotations: [],
  keywords: undefined,
  groups: undefined,
  since: undefined,
};

/**
 * The line of a mailbox that was never used yet, so that the real line, sent next without SINCE, finds one that it may
 * fill.
 */
export function emptyLine(line: WireMailbox): WireMailbox {
  return { ...line, ...UNUSED, highestmodseq: 1 };
}

/** The line of a mailbox that belongs to nobody and holds nothing. */
export function emptyMailbox(names: Pick<WireMailbox, 'name' | 'uniqueid' | 'partition'>): WireMailbox {
  return {
    ...UNUSED,
    ...names,
    type: '',
    highestmodseq: 1,
    uidvalidity: 1,
    acl: '',
    options: '',
    quotaroot: undefined,
    createdmodseq: 1,
    foldermodseq: 1,
    intermediate: false,
    local: true,
  };
}

/** The line of an intermediate: a row without storage. */
export function intermediateLine(
  entry: Pick<MailboxEntry, 'name' | 'uniqueid' | 'jmapid' | 'type' | 'createdmodseq' | 'foldermodseq'>,
  local: boolean,
): WireMailbox {
  return {
    ...UNUSED,
    uniqueid: entry.uniqueid,
    ...(entry.jmapid === undefined ? {} : { jmapid: entry.jmapid }),
    name: entry.name,
    type: entry.type,
    highestmodseq: entry.foldermodseq,
    uidvalidity: 0,
    partition: undefined,
    acl: '',
    options: '',
    quotaroot: undefined,
    createdmodseq: entry.createdmodseq,
    foldermodseq: entry.foldermodseq,
    intermediate: true,
    local,
  };
}

/**
 * Foretells the replica's state after a step was applied, without asking. Its checksums are not known: 0 matches anything.
 *
 * @param before what the step builds on
 * @param state the master's, when the step was read
 */
export function afterApplying(
  line: WireMailbox,
  before: KnownMailbox | undefined,
  { deletedmodseq }: Pick<MailboxState, 'deletedmodseq'>,
): KnownMailbox {
  const { since: _since, intermediate: _intermediate, local: _local, ...mailbox } = line;
  const hadNothing = before === undefined || before.lastUid === 0;
  const cleanedUpTo = hadNothing ? deletedmodseq : before.cleanedUpTo;
  return { ...mailbox, crcBasic: 0, crcAnnotations: 0, cleanedUpTo };
}

/**
 * Fields of a store of the development line, which its own client sends. COMPACT_EMAILIDS goes with a step too: a server
 * that is told XCONVMODSEQ without it turns short ids off.
 */
function developmentFields({ entry, state }: LocalMailbox): Partial<WireMailbox> {
  if (entry.jmapid === undefined) return {};
  const { indexVersion, compactEmailids, deletedmodseq } = state;
  return { jmapid: entry.jmapid, indexVersion, compactEmailids, deletedmodseq };
}

function since(remote: ReplicaMailbox | undefined): WireMailbox['since'] {
  return remote === undefined || remote.highestmodseq === 0 ? undefined : sinceOf(remote);
}

/** The state of a side that a line builds on. */
export function sinceOf(side: {
  highestmodseq: number;
  crcBasic: number;
  crcAnnotations: number;
}): WireMailbox['since'] {
  const { highestmodseq: modseq, crcBasic, crcAnnotations } = side;
  return { modseq, crcBasic, crcAnnotations };
}
