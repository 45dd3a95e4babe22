import { isHopeless } from '../../coordinator/run/is-hopeless.ts';
import { ReconnectBackoff } from '../../coordinator/run/reconnect-backoff.ts';
import { type ErrorData, SyncError } from '../../report/sync-error.ts';
import { ILL_LOSSES, ILL_USERS } from '../limits.ts';
import type { RollingDependencies, RollingOptions } from './rolling-options.ts';

type LinkDependencies = Pick<RollingDependencies, 'connect' | 'clock' | 'emit'>;
type LinkOptions = Pick<RollingOptions, 'server' | 'reconnectMaxWaitSeconds' | 'connectOnce' | 'once'>;

/** Someone whose connection broke under it: of interest only if the replica turns out to be well. */
export interface Suspect {
  node: string;
  error: ErrorData;
}

export type Attempt =
  | { kind: 'up'; suspects: Suspect[] }
  | { kind: 'down' }
  | { kind: 'given-up'; error: ErrorData };

/**
 * Knows whether the replica is there, as far as anybody can.
 *
 *     down ──attempt() ok──► up ──lost()──► down
 *       └──attempt() failed, or lost again and again: 15, 30, 60 ... seconds, capped──┘
 *
 * When the first attempt after a loss succeeds at once, the replica was never away, and what ran on the broken
 * connection may be what breaks it. After an outage nobody is to blame, and neither is anybody where connections are lost
 * under one user after the other: that replica is ill.
 */
export class ReplicaLink {
  readonly #options: LinkOptions;
  readonly #deps: LinkDependencies;
  readonly #backoff: ReconnectBackoff;
  #up = false;
  #everUp = false;
  #nextAttempt = Number.NEGATIVE_INFINITY;
  #suspects: Suspect[] = [];
  /** Since something was last replicated: connections lost, under whom they broke, and what the replica said last. */
  #lostInARow = 0;
  readonly #losers = new Set<string>();
  #lastWords: ErrorData | undefined;
  readonly #illness: ReconnectBackoff;

  constructor(options: LinkOptions, deps: LinkDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#backoff = new ReconnectBackoff(options.reconnectMaxWaitSeconds);
    this.#illness = new ReconnectBackoff(options.reconnectMaxWaitSeconds);
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** Clock time of the next attempt. */
  get nextAttempt(): number {
    return this.#nextAttempt;
  }

  /** A unit found the connection broken. @returns whether that is news */
  lost(error: ErrorData, suspects: readonly Suspect[]): boolean {
    this.#suspects.push(...suspects);
    for (const { node } of suspects) this.#losers.add(node);
    if (error.code !== 'LINK_BROKEN') this.#lastWords = error;
    if (!this.#up) return false;
    this.#down();
    this.#lostInARow += 1;
    const { server } = this.#options;
    this.#deps.emit({ kind: 'connection:lost', server, error });
    if (this.#isIll) {
      const retryInSeconds = this.#illness.nextSeconds();
      this.#nextAttempt = this.#deps.clock.now() + retryInSeconds * 1_000;
      this.#deps.emit({ kind: 'replica:ill', server, error: this.#lastWords ?? error, retryInSeconds });
    }
    return true;
  }

  /** Something was replicated. */
  worked(): void {
    this.#lostInARow = 0;
    this.#losers.clear();
    this.#lastWords = undefined;
    this.#illness.reset();
  }

  /** Whoever was at work: one user who breaks every connection makes no replica ill. */
  get #isIll(): boolean {
    return this.#lostInARow >= ILL_LOSSES && this.#losers.size >= ILL_USERS;
  }

  /** Nothing was under way. */
  closedIdle(): boolean {
    if (!this.#up) return false;
    this.#down();
    this.#deps.emit({ kind: 'replica:closed-idle', server: this.#options.server });
    return true;
  }

  /** @returns who may be to blame for the loss; or that there is no use in going on */
  async attempt(): Promise<Attempt> {
    const { server, connectOnce, once } = this.#options;
    try {
      await this.#deps.connect();
    } catch (caught) {
      const error = SyncError.from(caught, { phase: 'connect' }).toData();
      // A daemon that ended for a wrong password would leave the replica behind without anybody looking.
      if ((connectOnce && !this.#everUp) || (once && isHopeless(error, this.#everUp))) {
        this.#deps.emit({ kind: 'connection:failed', server, error, retryInSeconds: undefined });
        return { kind: 'given-up', error };
      }
      const retryInSeconds = this.#backoff.nextSeconds();
      this.#nextAttempt = this.#deps.clock.now() + retryInSeconds * 1_000;
      this.#deps.emit({ kind: 'connection:failed', server, error, retryInSeconds });
      return { kind: 'down' };
    }
    const suspects = this.#backoff.isFresh && !this.#isIll ? this.#suspects : [];
    this.#suspects = [];
    this.#backoff.reset();
    this.#up = true;
    this.#everUp = true;
    return { kind: 'up', suspects };
  }

  #down(): void {
    this.#up = false;
    this.#nextAttempt = Number.NEGATIVE_INFINITY;
  }
}
