import type { ByteString } from '../../byte-string.ts';
import type { Difference } from '../difference.ts';
import type { SyncEvent, UserSettled } from '../events.ts';

type Damaged = Extract<SyncEvent, { kind: 'message:damaged' }>;
type Graded = Extract<SyncEvent, { kind: 'user:graded' }>;

/** Everything that was told of a user before the last word. */
export interface Facts {
  graded: Graded | undefined;
  damagedCount: number;
  /** The first of them. */
  damaged: readonly Damaged[];
  /** The first differences that a comparison found. */
  found: readonly Difference[];
}

/** Damaged messages, and differences, of one user that are kept with all that is known of them. */
const MOST_LISTED = 10_000;

/** Gathers facts until the user is settled; memory is for those who are being worked on. */
export class UserFacts {
  readonly #graded = new Map<ByteString, Graded>();
  readonly #damaged = new KeptFacts<Damaged>();
  readonly #found = new KeptFacts<Difference>();

  readonly hear = (event: SyncEvent): void => {
    switch (event.kind) {
      case 'user:graded':
        this.#graded.set(event.user, event);
        break;
      case 'message:damaged':
        this.#damaged.add(event.user, `${event.damage.uid} ${event.name}`, event);
        break;
      case 'verify:difference':
        this.#found.add(event.difference.user, JSON.stringify(event.difference), event.difference);
        break;
      default:
        break;
    }
  };

  /** Forgets what it gives. Groups of mailboxes share a user: each takes what is about its own. */
  take({ user, mailboxes }: Pick<UserSettled, 'user' | 'mailboxes'>): Facts {
    const graded = this.#graded.get(user);
    this.#graded.delete(user);
    const own = mailboxes && new Set(mailboxes);
    const isOwn = (mailbox: ByteString | undefined): boolean =>
      mailbox === undefined || (own?.has(mailbox) ?? true);
    const damaged = this.#damaged.take(user, ({ name }) => isOwn(name));
    const found = this.#found.take(user, ({ mailbox }) => isOwn(mailbox));
    return {
      graded,
      damagedCount: damaged.length,
      damaged: damaged.slice(0, MOST_LISTED),
      found: found.slice(0, MOST_LISTED),
    };
  }
}

/** By user and key, since another attempt meets the same ones again. */
class KeptFacts<Fact> {
  readonly #byUser = new Map<ByteString, Map<string, Fact>>();

  add(user: ByteString, key: string, fact: Fact): void {
    const known = this.#byUser.get(user);
    if (known) known.set(key, fact);
    else this.#byUser.set(user, new Map([[key, fact]]));
  }

  take(user: ByteString, isOwn: (fact: Fact) => boolean): Fact[] {
    const known = this.#byUser.get(user);
    if (!known) return [];
    const mine = [...known].filter(([, fact]) => isOwn(fact));
    for (const [key] of mine) known.delete(key);
    if (known.size === 0) this.#byUser.delete(user);
    return mine.map(([, fact]) => fact);
  }
}
