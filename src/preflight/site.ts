import type { ByteString } from '../byte-string.ts';
import type { LockMechanism } from '../native/locks.ts';
import type { ReplicaSession } from '../protocol/replica-session.ts';
import type { SpellMailbox } from '../report/spell-mailbox.ts';
import type { MailboxEntry, MasterStore } from '../store/master-store.ts';
import type { StoreLayout } from '../store/paths/store-layout.ts';

/** A warning of the configuration, with what to set. */
export interface Remark {
  text: string;
  hint: string;
}

/** The part of a site that is looked at without asking anybody. */
export interface Host {
  layout: StoreLayout;
  locks: LockMechanism;
}

/** A master and its replica as they are configured. */
export interface Site extends Host {
  /** Mailboxes as whoever reads the findings types them. */
  spellMailbox: SpellMailbox;
  /** Milliseconds since the epoch. */
  now: number;
  /** Remarks on the configuration, and on the sync log. */
  remarks: readonly Remark[];
  logRemarks: readonly Remark[];
  /** The sync log of the channel. */
  logPath: string;
  server: string;
  /** -p */
  partition: ByteString | undefined;
  /** As many connections as a run would have at most. */
  connections: number;
  store: MasterStore;
  survey: Survey;
  /** @param milliseconds at most; default: as in a run */
  connect(milliseconds?: number): Promise<ReplicaSession>;
  /** Facts that the master's own server tells of itself; left out: it is not to be asked. */
  masterBanner?: (() => Promise<string>) | undefined;
  /** An empty mailbox may be made and removed again on the replica. */
  probe: boolean;
}

/** The master's list in numbers, and some mailboxes from all over it. */
export interface Survey {
  users: number;
  mailboxes: number;
  messages: number;
  byType: ReadonlyMap<string, number>;
  /** Partitions with their mailboxes, and one of these each. */
  byPartition: ReadonlyMap<ByteString, { mailboxes: number; example: MailboxEntry }>;
  sample: readonly MailboxEntry[];
}
