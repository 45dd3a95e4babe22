import type { ByteString } from '../byte-string.ts';
import type { SyncEvent, UserSettled } from './events.ts';

type Damaged = Extract<SyncEvent, { kind: 'message:damaged' }>;
type Graded = Extract<SyncEvent, { kind: 'user:graded' }>;

/** Everything that was told of a user before the last word. */
export interface Facts {
  graded: Graded | undefined;
  damagedCount: number;
  /** The first of them. */
  damaged: readonly Damaged[];
}

/** Damaged messages of one user that are kept with all that is known of them. */
const MOST_LISTED = 10_000;

/** Gathers facts until the user is settled; memory is for those who are being worked on. */
export class UserFacts {
  readonly #graded = new Map<ByteString, Graded>();
  /** By message, since another attempt meets the same ones again. */
  readonly #damaged = new Map<ByteString, Map<string, Damaged>>();

  readonly hear = (event: SyncEvent): void => {
    if (event.kind === 'user:graded') this.#graded.set(event.user, event);
    if (event.kind !== 'message:damaged') return;
    let known = this.#damaged.get(event.user);
    if (!known) {
      known = new Map();
      this.#damaged.set(event.user, known);
    }
    known.set(`${event.damage.uid} ${event.name}`, event);
  };

  /** Forgets what it gives. Groups of mailboxes share a user: each takes what is about its own. */
  take({ user, mailboxes }: Pick<UserSettled, 'user' | 'mailboxes'>): Facts {
    const graded = this.#graded.get(user);
    this.#graded.delete(user);
    const known = this.#damaged.get(user);
    if (!known) return { graded, damagedCount: 0, damaged: [] };
    const own = mailboxes && new Set(mailboxes);
    const mine = [...known].filter(([, { name }]) => own?.has(name) ?? true);
    for (const [key] of mine) known.delete(key);
    if (known.size === 0) this.#damaged.delete(user);
    const damaged = mine.slice(0, MOST_LISTED).map(([, event]) => event);
    return { graded, damagedCount: mine.length, damaged };
  }
}
