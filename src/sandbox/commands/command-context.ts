import type { ByteString } from '../../byte-string.ts';
import type { DlistValue } from '../../protocol/dlist/value.ts';
import type { Storage } from '../storage/storage.ts';
import type { Stage } from '../wire/stage.ts';

/** Modes that one connection has set for itself. */
export interface SessionState {
  /** APPLY FORCE was sent. Per connection, where the real server never forgets it (protocol 10.16). */
  force: boolean;
  /** `#sieve` is visible as a mailbox (protocol 10.15). */
  sieveMailbox: boolean;
}

/** Everything that a command works with. */
export interface CommandContext {
  readonly storage: Storage;
  readonly stage: Stage;
  readonly session: SessionState;
  /** An XCONVMODSEQ is raised with each live record. */
  readonly conversations: boolean;
  /** Names that CAPABILITIES may enable. */
  readonly enableable: readonly string[];
  /** Adds to the answer; lines end with CRLF. */
  send(piece: ByteString | Buffer): void;
  /** Resolves when the client has taken enough of the answer so far. */
  room(): Promise<void>;
  /** The message files that this command reads are damaged. */
  damaged: boolean;
  /** A line for the operator of the sandbox. */
  log(line: string): void;
}

/** Does one GET or APPLY command. @throws SyncError of family `refused` for NO; ServerDeath */
export type Handler = (context: CommandContext, value: DlistValue) => void | Promise<void>;
