import { SyncError } from '../../report/sync-error.ts';
import { crcEqual } from '../storage/checksums.ts';
import { ownerOf } from '../storage/names.ts';
import { isExpunged, isIntermediate, type MailboxRow, type RecordRow } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { mapOf } from '../wire/fields.ts';
import {
  type MailboxIdentity,
  type MailboxRequest,
  parseIdentity,
  parseRecord,
  parseRequest,
  type RequestedRecord,
} from '../wire/mailbox-request.ts';
import { badParameters, refusal, ServerDeath } from '../wire/refusal.ts';
import type { CommandContext, Handler } from './command-context.ts';

/** Something the dry pass found to do. `old` undefined: an append. */
interface RecordStep {
  record: RequestedRecord;
  old: RecordRow | undefined;
}

/** APPLY MAILBOX. The order of the checks is the real server's (protocol 12), and the numbers below are its steps. */
export const applyMailbox: Handler = (context, value) => {
  const map = mapOf(value);
  const identity = parseIdentity(map);
  if (identity.type.includes('f') && !context.session.sieveMailbox) {
    throw badParameters(`${identity.name}: a #sieve mailbox without SIEVE-MAILBOX`);
  }
  context.stage.flush();
  const { storage } = context;
  if (/[id]/.test(identity.type)) {
    storage.transact(() => putWithoutStorage(storage, identity));
    return;
  }
  const request = parseRequest(map, identity);
  // A refusal is not a rollback: what was changed before it stays (protocol 8). Anything else undoes it all.
  const refused = storage.transact(() => {
    try {
      update(context, request);
      return undefined;
    } catch (error) {
      if (error instanceof SyncError && error.family === 'refused') return error;
      throw error;
    }
  });
  if (refused !== undefined) throw refused;
};

/** Step 1: an intermediate or a tombstone is an entry of the mailbox list, nothing more. */
function putWithoutStorage(storage: Storage, identity: MailboxIdentity): void {
  const { mailboxes } = storage;
  const old = mailboxes.get(identity.name);
  if (identity.type.includes('d')) {
    // Tombstones are never told to a client: not keeping them is the same.
    if (old !== undefined) mailboxes.remove(old);
    return;
  }
  const elsewhere = mailboxes.byUniqueid(identity.uniqueid);
  if (elsewhere !== undefined && elsewhere.name !== identity.name) {
    throw refusal('IMAP_REMOTE_DENIED', `uniqueid ${identity.uniqueid} is that of ${elsewhere.name}`);
  }
  mailboxes.create({ ...blank(identity), foldermodseq: identity.highestmodseq });
}

function update(context: CommandContext, request: MailboxRequest): void {
  const { storage, session, stage } = context;
  const row = openOrCreate(context, request);
  checkSince(row, request);
  if (row.type !== request.type) {
    throw refusal(
      'IMAP_REMOTE_DENIED',
      `type ${row.type || 'mail'}, master has ${request.type || 'mail'}`,
      row.name,
    );
  }
  checkCounters(context, row, request);
  const steps = dryPass(context, row, request);

  // Step 9: from here on everything is kept, whatever the answer will be.
  row.acl = request.acl;
  row.foldermodseq = request.foldermodseq || request.highestmodseq;
  row.annotations = request.annotations;
  for (const { record, old } of steps) {
    if (old !== undefined && record.modseq < old.modseq) {
      throw new ServerDeath(
        `${row.name} UID ${record.uid}: modseq ${record.modseq} below the replica's ${old.modseq}`,
        '* Fatal error: Internal error: assertion failed: imap/mailbox.c: 4421: record->modseq >= oldrecord.modseq',
      );
    }
    const unlinked =
      old === undefined
        ? isUnstaged(row, record, stage.find(row.partition ?? '', record.guid))
        : old.unlinked;
    // The size of a message that is here already is the message's, not the master's word.
    const size = old?.size ?? record.size;
    storage.mailboxes.putRecord(row, { ...record, size, unlinked }, old);
  }
  const lastWritten = steps.at(-1)?.record.uid ?? 0;
  if (!session.force && request.lastUid < lastWritten) {
    throw new ServerDeath(`${row.name}: LAST_UID ${request.lastUid} below UID ${lastWritten} of a record`);
  }
  row.xconvmodseq = xconvmodseqAfter(context, row, request, steps);
  setHeader(storage, row, request);
  const mine = { basic: row.crcBasic, annotations: row.crcAnnotations };
  if (!crcEqual(request.crc, mine)) {
    const { basic, annotations } = request.crc;
    const found = `${mine.basic}/${mine.annotations}`;
    throw refusal('IMAP_SYNC_CHECKSUM', `CRC ${found}, master has ${basic}/${annotations}`, row.name);
  }
}

/** Steps 3 and 4. */
function openOrCreate(context: CommandContext, request: MailboxRequest): MailboxRow {
  const { mailboxes } = context.storage;
  const { name, uniqueid } = request;
  const existing = mailboxes.get(name);
  if (existing === undefined || isIntermediate(existing)) {
    const elsewhere = mailboxes.byUniqueid(uniqueid);
    if (elsewhere !== undefined && elsewhere.name !== name) {
      throw refusal('IMAP_MAILBOX_MOVED', `uniqueid ${uniqueid} is that of ${elsewhere.name}`, name);
    }
    if (!context.stage.hasPartition(request.partition)) {
      throw refusal('IMAP_REMOTE_DENIED', `there is no partition ${request.partition}`, name);
    }
    return mailboxes.create(newMailbox(request));
  }
  if (existing.uniqueid === uniqueid) return existing;
  if (!context.session.force && existing.lastUid !== 0) {
    throw refusal('IMAP_MAILBOX_MOVED', `uniqueid ${existing.uniqueid}, master has ${uniqueid}`, name);
  }
  const elsewhere = mailboxes.byUniqueid(uniqueid);
  if (elsewhere !== undefined) {
    throw refusal('IMAP_REMOTE_DENIED', `uniqueid ${uniqueid} is that of ${elsewhere.name}`, name);
  }
  context.log(`${name}: uniqueid changed, replacing ${existing.uniqueid} by ${uniqueid}`);
  return mailboxes.create(newMailbox(request));
}

/** Step 5. */
function checkSince(row: MailboxRow, { since }: MailboxRequest): void {
  if (since.modseq === 0) return;
  const mine = { basic: row.crcBasic, annotations: row.crcAnnotations };
  if (since.modseq === row.highestmodseq && crcEqual(since.crc, mine)) return;
  const expected = `${since.modseq} ${since.crc.basic}/${since.crc.annotations}`;
  const found = `${row.highestmodseq} ${mine.basic}/${mine.annotations}`;
  throw refusal('IMAP_SYNC_CHANGED', `the master builds on ${expected}, here is ${found}`, row.name);
}

/** Step 7. */
function checkCounters(context: CommandContext, row: MailboxRow, request: MailboxRequest): void {
  const counters: [what: string, master: number, replica: number][] = [
    ['modseq', request.highestmodseq, row.highestmodseq],
    ['uidvalidity', request.uidvalidity, row.uidvalidity],
    ['last_uid', request.lastUid, row.lastUid],
    // Optional on the wire: 0 says nothing.
    ['xconvmodseq', request.xconvmodseq || row.xconvmodseq, row.xconvmodseq],
  ];
  for (const [what, master, replica] of counters) {
    if (master >= replica) continue;
    const detail = `higher ${what} on replica: ${master} < ${replica}`;
    if (!context.session.force) throw refusal('IMAP_SYNC_CHECKSUM', detail, row.name);
    context.log(`forcesync: ${row.name}: ${detail}`);
  }
}

/** Step 8: every record is looked at before any is written. */
function dryPass(context: CommandContext, row: MailboxRow, request: MailboxRequest): RecordStep[] {
  const { mailboxes } = context.storage;
  // After FORCE has lowered LAST_UID there may be records above it.
  const highestUid = Math.max(row.lastUid, mailboxes.highestUid(row.id));
  const steps: RecordStep[] = [];
  let previousUid = 0;
  for (const item of request.records) {
    const record = parseRecord(item);
    if (record.uid <= previousUid) {
      throw new ServerDeath(`${row.name}: record UID ${record.uid} comes after UID ${previousUid}`);
    }
    previousUid = record.uid;
    const old = record.uid > highestUid ? undefined : mailboxes.record(row.id, record.uid);
    if (old === undefined) {
      if (record.uid > row.lastUid) steps.push({ record, old });
      if (record.uid > row.lastUid || isExpunged(record)) continue;
      throw mismatch(row, record, 'is not on the replica, which has seen later ones');
    }
    if (isExpunged(record) && isExpunged(old)) continue;
    if (record.guid !== old.guid) throw mismatch(row, record, `has GUID ${old.guid} on the replica`);
    if (old.modseq > record.modseq) {
      const detail = `has modseq ${old.modseq} on the replica, ${record.modseq} on the master`;
      if (!context.session.force) throw mismatch(row, record, detail);
      context.log(`forcesync: ${row.name} UID ${record.uid} ${detail}`);
    }
    if (isExpunged(old)) throw mismatch(row, record, 'is expunged on the replica');
    steps.push({ record, old });
  }
  return steps;
}

function mismatch(row: MailboxRow, record: RequestedRecord, what: string): SyncError {
  return refusal('IMAP_SYNC_CHECKSUM', `UID ${record.uid} ${what}`, row.name);
}

/** An appended record needs its message. @returns whether it goes without, as an expunged one may */
function isUnstaged(
  row: MailboxRow,
  record: RequestedRecord,
  staged: { intact: boolean } | undefined,
): boolean {
  if (staged?.intact === true) return false;
  if (staged === undefined && isExpunged(record)) return true;
  const reason = staged === undefined ? 'was not staged' : 'is not the SHA-1 of what was sent';
  throw new ServerDeath(`${row.name} UID ${record.uid}: GUID ${record.guid} ${reason} on ${row.partition}`);
}

/** Step 10. */
function setHeader(storage: Storage, row: MailboxRow, request: MailboxRequest): void {
  row.lastUid = request.lastUid;
  row.recentuid = request.recentuid;
  row.highestmodseq = request.highestmodseq;
  row.recenttime = request.recenttime;
  row.lastAppenddate = request.lastAppenddate;
  row.pop3LastLogin = request.pop3LastLogin;
  row.pop3ShowAfter = request.pop3ShowAfter;
  row.createdmodseq = request.createdmodseq;
  row.options = request.options;
  row.uidvalidity = request.uidvalidity;
  if (request.raclmodseq !== 0) row.raclmodseq = request.raclmodseq;
  storage.mailboxes.put(row);
  const owner = ownerOf(row.name);
  if (owner !== undefined) storage.users.raiseModseq(owner, request.highestmodseq);
}

/** A server with conversations counts each live record itself, and is told of what other folders have of them. */
function xconvmodseqAfter(
  { conversations }: CommandContext,
  row: MailboxRow,
  { xconvmodseq }: MailboxRequest,
  steps: readonly RecordStep[],
): number {
  const told = xconvmodseq || row.xconvmodseq;
  if (!conversations) return told;
  const live = steps.filter(({ record }) => !isExpunged(record));
  return live.reduce((most, { record }) => Math.max(most, record.modseq), told);
}

function newMailbox(request: MailboxRequest): Omit<MailboxRow, 'id' | 'crcBasic' | 'crcAnnotations'> {
  const { partition, acl, options, uidvalidity, foldermodseq } = request;
  // A highestmodseq of 0 makes every change of the master a new one.
  return { ...blank(request), partition, acl, options, uidvalidity, foldermodseq };
}

function blank(identity: MailboxIdentity): Omit<MailboxRow, 'id' | 'crcBasic' | 'crcAnnotations'> {
  return {
    uniqueid: identity.uniqueid,
    name: identity.name,
    type: identity.type,
    partition: null,
    acl: null,
    options: '',
    lastUid: 0,
    highestmodseq: 0,
    recentuid: 0,
    recenttime: 0,
    lastAppenddate: 0,
    pop3LastLogin: 0,
    pop3ShowAfter: 0,
    xconvmodseq: 0,
    raclmodseq: 0,
    uidvalidity: 0,
    createdmodseq: identity.createdmodseq,
    foldermodseq: 0,
    annotations: [],
  };
}
