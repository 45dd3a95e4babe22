import type { SyncError } from '../../report/sync-error.ts';
import { MIN_CONNECT_TIMEOUT_MS } from '../limits.ts';
import { linkError, replicaBusy } from '../link-errors.ts';

export type Activity = 'connecting' | 'the TLS handshake' | 'the banner' | 'the login' | 'the set-up';

/**
 * One budget for name lookup, connect, TLS, banner, login and set-up together. When it is spent, whatever is going on is
 * aborted with an error that says what it was.
 */
export class Deadline implements Disposable {
  readonly #server: string;
  readonly #milliseconds: number;
  readonly #timer: NodeJS.Timeout;
  #activity: Activity = 'connecting';
  #abort: ((error: SyncError) => void) | undefined;
  #expired: SyncError | undefined;

  constructor(milliseconds: number, server: string) {
    this.#milliseconds = Math.max(milliseconds, MIN_CONNECT_TIMEOUT_MS);
    this.#server = server;
    this.#timer = setTimeout(() => this.#expire(), this.#milliseconds);
  }

  /** @param abort makes the operation that now begins fail with the error given @throws SyncError if already spent */
  begin(activity: Activity, abort: (error: SyncError) => void): void {
    if (this.#expired !== undefined) throw this.#expired;
    this.#activity = activity;
    this.#abort = abort;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    this.#expired = this.#error();
    this.#abort?.(this.#expired);
  }

  #error(): SyncError {
    const seconds = this.#milliseconds / 1000;
    if (this.#activity === 'the banner') {
      return replicaBusy(
        `connected to ${this.#server}, but no banner came in ${seconds} s`,
        'Its processes may all be in use (maxchild in its cyrus.conf) or stopped; a TLS-only port needs /tls after the server name',
      );
    }
    return linkError(
      'CONNECT_TIMEOUT',
      `connect(${this.#server}) failed: ${this.#activity} took longer than ${seconds} s`,
      {
        phase: 'connect',
        hint: 'The replica or the way to it is slow or filtered; client_timeout sets how long to wait',
      },
    );
  }
}
