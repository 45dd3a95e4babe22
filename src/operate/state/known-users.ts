import type { ByteString } from '../../byte-string.ts';
import type { WhyParked } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';

/** Whoever has been begun and has no last word, and those whose last word is worth a name. */
export interface KnownUser {
  readonly key: string;
  readonly users: readonly ByteString[];
  readonly mailboxes: readonly ByteString[] | undefined;
  state: 'running' | 'waiting-for-lock' | 'waiting-to-retry' | 'failed' | 'locked';
  /** Milliseconds of the clock that the events were given with. */
  since: number;
  connection: string | undefined;
  error: ErrorData | undefined;
  /** Why one is left alone who waits for a lock or is set aside. */
  parked: WhyParked | undefined;
  /** There since it was last begun. */
  messages: number;
  octets: number;
}

/** Names of failed and locked users that are kept; more are counted. */
const MOST_NAMED = 10_000;

/**
 * Users by state. Those who wait for their first turn are a number to it, and so are those who are done, so that memory
 * is for those at work and those in trouble, however many there are.
 */
export class KnownUsers {
  readonly #byKey = new Map<string, KnownUser>();
  /** One for each who runs; '' has one for each group, of which the last begun counts. */
  readonly #running = new Map<ByteString, KnownUser>();
  readonly #counts: Record<KnownUser['state'], number> = {
    running: 0,
    'waiting-for-lock': 0,
    'waiting-to-retry': 0,
    failed: 0,
    locked: 0,
  };

  count(state: KnownUser['state']): number {
    return this.#counts[state];
  }

  get(key: string): KnownUser | undefined {
    return this.#byKey.get(key);
  }

  *in(state: KnownUser['state']): Generator<KnownUser> {
    for (const user of this.#byKey.values()) if (user.state === state) yield user;
  }

  /** Forgets what was known of it. */
  begun(user: Omit<KnownUser, 'state' | 'error' | 'parked' | 'messages' | 'octets'>): void {
    this.ended(user.key);
    const nothing = { error: undefined, parked: undefined, messages: 0, octets: 0 };
    const known: KnownUser = { ...user, state: 'running', ...nothing };
    this.#byKey.set(user.key, known);
    this.#counts.running += 1;
    for (const name of user.users) this.#running.set(name, known);
  }

  /** @returns whether it was known */
  ended(key: string): KnownUser | undefined {
    const known = this.#byKey.get(key);
    if (!known) return undefined;
    this.#byKey.delete(key);
    this.#counts[known.state] -= 1;
    this.#stopped(known);
    return known;
  }

  inTrouble(
    key: string,
    users: readonly ByteString[],
    state: Exclude<KnownUser['state'], 'running'>,
    since: number,
    { error, parked }: Partial<Pick<KnownUser, 'error' | 'parked'>> = {},
  ): void {
    const before = this.ended(key);
    this.#counts[state] += 1;
    const isFinal = state === 'failed' || state === 'locked';
    // The number stays right; who it is the report says.
    if (isFinal && this.#counts[state] > MOST_NAMED) return;
    const { messages = 0, octets = 0, mailboxes } = before ?? {};
    const known: KnownUser = {
      key,
      users,
      mailboxes,
      state,
      since,
      connection: undefined,
      error,
      parked,
      messages,
      octets,
    };
    this.#byKey.set(key, known);
  }

  /** @returns who it was */
  progressed(user: ByteString, messages: number, octets: number): KnownUser | undefined {
    const known = this.#running.get(user);
    if (!known) return undefined;
    known.messages += messages;
    known.octets += octets;
    return known;
  }

  #stopped(known: KnownUser): void {
    for (const name of known.users) {
      if (this.#running.get(name) === known) this.#running.delete(name);
    }
  }
}
