import type { ReplicaMailbox } from '../protocol/replica-session.ts';
import {
  type CompareOptions,
  compareMailbox,
  countsConversations,
  type LocalMailbox,
  sameGroups,
  sameType,
} from '../replicate/engine.ts';
import type { Difference, DifferenceKind } from '../report/difference.ts';
import type { Annotation, MailboxEntry } from '../store/master-store.ts';

type Found = Pick<Difference, 'kind' | 'what' | 'master' | 'replica'>;

/**
 * The differences of one mailbox, as far as one line of the protocol tells. The engine's own comparison decides whether
 * anything does: what would not be replicated is no difference.
 */
export function compareNumbers(
  local: LocalMailbox,
  remote: ReplicaMailbox,
  options: CompareOptions,
): Difference[] {
  const { entry, state } = local;
  const found: Found[] = entry.name === remote.name ? [] : [values('name', entry.name, remote.name)];
  if (entry.uniqueid !== remote.uniqueid) {
    found.push(values('uniqueid', entry.uniqueid, remote.uniqueid));
  }
  if (compareMailbox(local, remote, options).kind !== 'unchanged') {
    found.push(...numbers(local, remote, options));
    // The comparison is stricter than its parts only where the master has removed messages that the replica had not yet.
    if (found.length === 0) found.push(values('highestmodseq', state.deletedmodseq, remote.highestmodseq));
  }
  return found.map((one) => ofMailbox(entry, one));
}

/** A row without storage. */
export function compareIntermediate(entry: MailboxEntry, remote: ReplicaMailbox): Difference[] {
  const found: Found[] = [];
  if (!sameType(remote.type, entry.type)) found.push(values('type', entry.type, remote.type));
  if (remote.foldermodseq !== entry.foldermodseq) {
    found.push(values('foldermodseq', entry.foldermodseq, remote.foldermodseq));
  }
  return found.map((one) => ofMailbox(entry, one));
}

function ofMailbox({ name, userid }: MailboxEntry, found: Found): Difference {
  return { user: userid ?? '', mailbox: name, ...found };
}

function values(
  kind: DifferenceKind,
  master: Difference['master'],
  replica: Difference['replica'],
  what?: string,
): Found {
  return { kind, ...(what === undefined ? {} : { what }), master, replica };
}

function numbers(local: LocalMailbox, remote: ReplicaMailbox, options: CompareOptions): Found[] {
  const { entry, state } = local;
  const found: Found[] = [];
  const compare = (kind: DifferenceKind, ours: string | number, theirs: string | number): void => {
    if (ours !== theirs) found.push(values(kind, ours, theirs));
  };
  compare('uidvalidity', state.uidvalidity, remote.uidvalidity);
  compare('last-uid', state.lastUid, remote.lastUid);
  compare('highestmodseq', state.highestmodseq, remote.highestmodseq);
  compare('acl', entry.acl, remote.acl);
  if (!sameType(remote.type, entry.type)) found.push(values('type', entry.type, remote.type));
  compare('options', comparable(state.options), comparable(remote.options));
  compare(
    'recent-state',
    `${state.recentuid} ${state.recenttime}`,
    `${remote.recentuid} ${remote.recenttime}`,
  );
  compare(
    'pop3-state',
    `${state.pop3LastLogin} ${state.pop3ShowAfter}`,
    `${remote.pop3LastLogin} ${remote.pop3ShowAfter}`,
  );
  if (remote.foldermodseq !== 0 && remote.foldermodseq < state.foldermodseq) {
    found.push(values('foldermodseq', state.foldermodseq, remote.foldermodseq));
  }
  const bothRacl = remote.raclmodseq !== 0 && state.raclmodseq !== 0;
  if (options.reverseacls && bothRacl && remote.raclmodseq < state.raclmodseq) {
    found.push(values('raclmodseq', state.raclmodseq, remote.raclmodseq));
  }
  if (countsConversations(options, state.xconvmodseq))
    compare('xconvmodseq', state.xconvmodseq, remote.xconvmodseq);
  checksum('record-checksum', state.crcBasic, remote.crcBasic);
  checksum('annotation-checksum', state.crcAnnotations, remote.crcAnnotations);
  if (!sameGroups(local, remote)) found.push(values('groups', state.groups, remote.groups));
  found.push(...annotations(local.annotations, remote.annotations));
  return found;

  /** 0 says nothing. */
  function checksum(kind: DifferenceKind, ours: number, theirs: number): void {
    if (ours !== 0 && theirs !== 0) compare(kind, ours, theirs);
  }
}

type NamedValue = Pick<Annotation, 'entry' | 'userid' | 'value'>;

function annotations(master: readonly NamedValue[], replica: readonly NamedValue[]): Found[] {
  const nameOf = ({ entry, userid }: NamedValue) => (userid === '' ? entry : `${entry} of ${userid}`);
  const ours = new Map(master.map((one) => [nameOf(one), one.value]));
  const theirs = new Map(replica.map((one) => [nameOf(one), one.value]));
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((name) => ours.get(name) !== theirs.get(name))
    .map((name) => values('annotation', ours.get(name), theirs.get(name), name));
}

function comparable(options: string): string {
  return [...'PSDA'].filter((letter) => options.includes(letter)).join('');
}
