import type { ByteString } from '../../byte-string.ts';
import type { PoolSetup } from '../pool/messages.ts';
import type { Choice } from './choice.ts';
import type { WantedConnections } from './growth.ts';

/** The part of a run plan that the coordinator works from. */
export interface RunRequest {
  mode: RunMode;
  setup: PoolSetup;
  /** Connections at most. */
  connections: WantedConnections;
  /** How many of them the limit on open files leaves room for. */
  mostConnections?: number | undefined;
  /** That limit, to be named. */
  openFiles?: number | undefined;
  /** -N: skip users whose sync lock is held, rather than wait for them. */
  skipLocked: boolean;
  /** -o */
  connectOnce: boolean;
  /** Seconds; cap of the reconnect back-off; 0 = none. */
  reconnectMaxWaitSeconds: number;
  /** Seconds between tries of a user whose sync lock is held, when nothing else is left to do. */
  lockedRetrySeconds: number;
  /** undefined: everybody. */
  choice?: Choice | undefined;
  /** The largest first, or as they are found: in the order of a list, or of the mailbox list. */
  order?: 'size' | 'found' | undefined;
  limits?: RunLimits | undefined;
}

/** When to end before everybody was reached. Who is being replicated then is finished. */
export interface RunLimits {
  /** Users who failed. */
  errors: number | undefined;
  durationSeconds: number | undefined;
}

export type RunMode =
  | { kind: 'all'; prefix: ByteString | undefined }
  | { kind: 'users'; userids: ByteString[] }
  | { kind: 'mailboxes'; names: ByteString[] }
  | { kind: 'meta'; userids: ByteString[] };
