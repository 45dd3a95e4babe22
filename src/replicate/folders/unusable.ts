import type { ByteString } from '../../byte-string.ts';
import type { OnUnusable } from '../../protocol/replica-session.ts';
import type { MailboxEntry } from '../../store/master-store.ts';
import type { Failures } from '../outcomes/failures.ts';

/** Mailboxes of which the replica says something that cannot be used. Each fails by itself; the rest of the job goes on. */
export class Unusable {
  readonly #failures: Failures;
  readonly #names = new Set<ByteString>();

  constructor(failures: Failures) {
    this.#failures = failures;
  }

  readonly add: OnUnusable = (name, error) => {
    this.#names.add(name);
    this.#failures.add('folders', error, name);
  };

  /** Leaves them out: taken for mailboxes that the replica has not got, they would be sent as new ones. */
  without(entries: readonly MailboxEntry[]): MailboxEntry[] {
    return entries.filter(({ name }) => !this.#names.has(name));
  }
}
