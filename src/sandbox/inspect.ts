import { createHash } from 'node:crypto';
import { type ByteString, compareBytes } from '../byte-string.ts';
import { ownerOf } from './storage/names.ts';
import {
  isExpunged,
  isIntermediate,
  type MailboxRow,
  type QuotaRow,
  type RecordRow,
  type SeenRow,
} from './storage/rows.ts';
import type { Storage } from './storage/storage.ts';

/** Everything a client can find out, without what only this sandbox knows: two that hold the same are deepEqual. */
export interface Inspection {
  mailboxes: Record<ByteString, InspectedMailbox>;
  users: Record<ByteString, InspectedUser>;
  quotas: QuotaRow[];
  serverAnnotations: MailboxRow['annotations'];
  /** GUID -> SHA-1 of the content that is stored; equal in a healthy sandbox. */
  contents: Record<string, string>;
}

export interface InspectedMailbox extends Omit<MailboxRow, 'id'> {
  records: RecordRow[];
}

export interface InspectedUser {
  subscriptions: ByteString[];
  seen: SeenRow[];
  scripts: { filename: ByteString; lastUpdate: number; content: ByteString; active: boolean }[];
}

/** For a display. */
export interface Counts {
  users: number;
  mailboxes: number;
  messages: number;
  expunged: number;
  /** Octets of the messages as mailboxes have them, not as they are stored. */
  octets: number;
}

/** All in memory: for tests. */
export function inspect(storage: Storage): Inspection {
  // Entries, not assignments: clients choose the names, and an object has some of its own.
  const mailboxes: [ByteString, InspectedMailbox][] = [];
  for (const { id, ...row } of storage.mailboxes.all()) {
    mailboxes.push([row.name, { ...row, records: [...storage.mailboxes.records(id)] }]);
  }
  const users: [ByteString, InspectedUser][] = [];
  for (const userid of [...storage.users.userids()].sort(compareBytes)) {
    const active = storage.users.activeScript(userid);
    const user: InspectedUser = {
      subscriptions: storage.users.subscriptions(userid),
      seen: storage.users.seen(userid),
      scripts: storage.users
        .scripts(userid)
        .map((script) => ({ ...script, active: active === script.filename.replace(/\.script$/, '.bc') })),
    };
    users.push([userid, user]);
  }
  const contents: [string, string][] = [];
  for (const guid of storage.messages.guids()) {
    const content = storage.messages.get(guid);
    if (content !== undefined) contents.push([guid, createHash('sha1').update(content).digest('hex')]);
  }
  return {
    mailboxes: Object.fromEntries(mailboxes),
    users: Object.fromEntries(users),
    quotas: storage.users.quotas(),
    serverAnnotations: storage.users.serverAnnotations(),
    contents: Object.fromEntries(contents),
  };
}

export function count(storage: Storage): Counts {
  const counts: Counts = { users: 0, mailboxes: 0, messages: 0, expunged: 0, octets: 0 };
  const owners = new Set<ByteString>();
  for (const row of storage.mailboxes.all()) {
    const owner = ownerOf(row.name);
    if (owner !== undefined) owners.add(owner);
    if (isIntermediate(row)) continue;
    counts.mailboxes++;
    for (const record of storage.mailboxes.records(row.id)) {
      if (isExpunged(record)) {
        counts.expunged++;
        continue;
      }
      counts.messages++;
      counts.octets += record.size;
    }
  }
  counts.users = owners.size;
  return counts;
}
