import type { ByteString } from '../byte-string.ts';
import { type Phase, SyncError } from '../report/sync-error.ts';

/**
 * What went wrong in one job. A refusal spoils only what it refused, the rest of the job goes on; a broken link or a
 * cancelled run ends the job at once.
 */
export class Failures {
  readonly #user: ByteString;
  readonly #errors: SyncError[] = [];

  constructor(user: ByteString) {
    this.#user = user;
  }

  /** @throws SyncError if `caught` ends the job */
  add(phase: Phase, caught: unknown, mailbox?: ByteString): SyncError {
    const error = SyncError.from(caught, { phase, user: this.#user, mailbox });
    if (error.family === 'link' || error.code === 'CANCELLED') throw error;
    this.#errors.push(error);
    return error;
  }

  async all(phase: Phase, commands: readonly Promise<void>[]): Promise<void> {
    for (const outcome of await Promise.allSettled(commands)) {
      if (outcome.status === 'rejected') this.add(phase, outcome.reason);
    }
  }

  /** Nothing but mailboxes that the replica has under another name, or that moved here meanwhile. */
  get onlyMoved(): boolean {
    return (
      this.any &&
      this.#errors.every((error) => error.code === 'IMAP_MAILBOX_MOVED' && error.phase !== 'folders')
    );
  }

  get any(): boolean {
    return this.#errors.length > 0;
  }

  /** Whether trying again at once may help with all of them. */
  get retryable(): boolean {
    return this.#errors.every((error) => error.retryable);
  }

  /** @throws SyncError the first failure, saying how many more there are */
  throwIfAny(): void {
    const [first, ...more] = this.#errors;
    if (!first) return;
    if (more.length === 0) throw first;
    throw new SyncError(first.code, `${first.message} (and ${more.length} more failures of this user)`, {
      family: first.family,
      phase: first.phase,
      user: first.user,
      mailbox: first.mailbox,
      hint: first.hint,
      retryable: this.retryable,
      cause: first,
    });
  }
}
