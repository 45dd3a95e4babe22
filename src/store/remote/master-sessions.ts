import type { MasterSession } from '../../protocol/replica-session.ts';

/** Commands in flight on each session from which on one more session is worth its login. */
const BUSY_COMMANDS = 8;

interface Open {
  session: MasterSession;
  busy: number;
}

/**
 * Sessions with the master's server, as many as are worth it. Whatever is asked over them changes nothing there, so that a
 * question on which a session broke is asked once more on a new one.
 */
export class MasterSessions {
  readonly #connect: () => Promise<MasterSession>;
  readonly #most: number;
  #open: Open[] = [];
  #opening: Promise<Open> | undefined;
  #closed = false;

  /** @param most sessions at once */
  constructor(connect: () => Promise<MasterSession>, most: number) {
    this.#connect = connect;
    this.#most = most;
  }

  /**
   * @param work may be called twice
   * @throws SyncError what the server answers, and what `connect` throws
   */
  async use<T>(work: (session: MasterSession) => Promise<T>): Promise<T> {
    const first = await this.#leastBusy();
    try {
      return await this.#useOne(first, work);
    } catch (caught) {
      if (!first.session.broken || this.#closed) throw caught;
    }
    return await this.#useOne(await this.#leastBusy(), work);
  }

  /** Takes leave. Nobody waits for it. */
  close(): void {
    this.#closed = true;
    for (const { session } of this.#open) void session.exit();
    this.#open = [];
    this.#opening?.then(({ session }) => session.exit()).catch(() => undefined);
  }

  async #useOne<T>(one: Open, work: (session: MasterSession) => Promise<T>): Promise<T> {
    one.busy += 1;
    try {
      return await work(one.session);
    } finally {
      one.busy -= 1;
    }
  }

  async #leastBusy(): Promise<Open> {
    this.#open = this.#open.filter(({ session }) => !session.broken);
    const [first, ...others] = this.#open;
    const least = first && others.reduce((a, b) => (b.busy < a.busy ? b : a), first);
    if (least && (least.busy < BUSY_COMMANDS || this.#open.length >= this.#most)) return least;
    this.#opening ??= this.#openOne().finally(() => {
      this.#opening = undefined;
    });
    if (!least) return await this.#opening;
    // One more would be a help, and is not needed.
    this.#opening.catch(() => undefined);
    return least;
  }

  async #openOne(): Promise<Open> {
    const one: Open = { session: await this.#connect(), busy: 0 };
    if (this.#closed) void one.session.exit();
    else this.#open.push(one);
    return one;
  }
}
