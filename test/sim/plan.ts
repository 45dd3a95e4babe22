import type { Fault } from '../../src/sandbox/fault-script.ts';

/** An act of somebody on the master: a user, a delivery, an administrator, a nightly program. */
export const EDITS = [
  'append',
  'flag',
  'expunge',
  'clean-up',
  'create-folder',
  'rename-folder',
  'swap-folders',
  'move-folder',
  'delete-folder',
  'delete-folder-at-once',
  'recreate-folder',
  'set-acl',
  'subscribe',
  'unsubscribe',
  'read',
  'put-script',
  'remove-script',
  'set-quota',
  'remove-quota',
  'create-user',
  'rename-user',
  'remove-user',
] as const;

/** Damage to the master's store, until somebody mends it: what cannot be read fails, and everything else is replicated. */
export const DAMAGES = ['message', 'mailbox', 'checksum', 'twin'] as const;

/** An act of somebody on the replica, where nobody should be: afterwards both sides have changed. */
export const REPLICA_EDITS = [
  'replica-append',
  'replica-append',
  'replica-flag',
  'replica-expunge',
  'replica-uidvalidity',
  'replica-create',
] as const;

/** Programs of Cyrus that keep a mailbox of the master locked for a while. */
export const LOCKERS = ['imapd', 'lmtpd', 'cyr_expire', 'reconstruct'] as const;

/** Some plans have one, because what needs three rare things at once would hardly come about among everything else. */
export const THEMES = ['any', 'conflict', 'damage', 'race', 'refusals', 'pending', 'people'] as const;
export type Theme = (typeof THEMES)[number];

/**
 * One thing that happens. Whom it happens to is a number that is applied to whoever is there when it happens, so that a plan
 * still means something when others of its steps are left out.
 */
export type Step = {
  atMs: number;
  /** Not at that time, but just before a mailbox is read for the n-th time: there races are. */
  atRead?: number;
} & (
  | { kind: 'edit'; edit: (typeof EDITS)[number]; choice: number; other: number }
  | { kind: 'replica-edit'; edit: (typeof REPLICA_EDITS)[number]; choice: number; other: number }
  | { kind: 'damage'; damage: (typeof DAMAGES)[number]; choice: number; other: number }
  | { kind: 'work'; program: (typeof LOCKERS)[number]; choice: number; other: number; forMs: number }
  | { kind: 'fault'; fault: Fault }
  /** The replica's disk is full for so many commands that write. */
  | { kind: 'full-disk'; commands: number }
  /** All connections break; `refuseMs`: none can be made for so long. */
  | { kind: 'outage'; refuseMs: number }
  /** The next connection that is made breaks, or falls silent, at that octet. */
  | { kind: 'break'; towards: 'client' | 'server'; octets: number; silently: boolean }
  /** The master's own server is lost at its n-th command from then on. */
  | { kind: 'master-lost'; nth: number }
  /** The sync log cannot be written for so long. */
  | { kind: 'log-full'; forMs: number }
  /** Somebody else has a user's sync lock. */
  | { kind: 'lock'; choice: number; forMs: number }
  /** The run is killed; another one begins. */
  | { kind: 'kill' }
);

/** All that a simulation is made of: the same plan goes the same way. */
export interface Plan {
  seed: number;
  theme: Theme;
  /** The sync log is followed, rather than everybody looked at in one run after the other. */
  rolling: boolean;
  /** Rolling mode hands lines of locked users back to the log. */
  relogLocked: boolean;
  /** The replica takes scripts as a mailbox, and a step only where it builds on what is there: Cyrus since 3.6. */
  newReplica: boolean;
  /** Folders of each user at the beginning. */
  users: number[];
  /** Mailboxes that belong to nobody. */
  shared: number;
  /** Messages of each mailbox at the beginning, at most; undefined: a handful. */
  mostMessages?: number;
  /** A quarter of the messages are the same few, so that several mailboxes have one. */
  copies?: boolean;
  latencyMs: number;
  octetsPerSecond: number;
  connections: number;
  lookAhead: number;
  batchSize: number;
  /** Messages after which the replica's stage is dropped; undefined: more than a simulated site has. */
  mostStaged?: number | undefined;
  /** Until then things happen; afterwards nobody disturbs. */
  endMs: number;
  steps: Step[];
  /** The program is killed while the n-th command is under way, counted from 1 over both servers and all runs. */
  killAtCommand?: number;
}
