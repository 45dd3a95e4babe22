/** Who waits for a turn to send messages. */
export interface UploadSeat {
  /** Jobs take turns. */
  job: string;
  /** The lower of one job is first. */
  place: number;
}

/** The turn, until disposed of. */
export interface UploadTurn extends Disposable {
  /** Lets another have it who is due by now, and waits until it is back. */
  pass(): Promise<void>;
}

interface Waiting {
  seat: UploadSeat;
  begin: () => void;
}

/**
 * The order in which messages that wait on one connection are sent: jobs take turns, so that a large one holds up nobody; in a job one
 * mailbox comes after the other, because what the replica does with a mailbox that is complete, it does beside the messages of
 * the next one. Were all of them sent in turns, all would be complete at the end, and all connections would wait for the lock of
 * the replica's `mailboxes.db` at the same time.
 */
export class UploadTurns {
  #taken = false;
  readonly #waiting: Waiting[] = [];
  /** When each job that is here had its last turn, as a count of turns. */
  readonly #last = new Map<string, number>();
  #count = 0;

  async take(seat: UploadSeat): Promise<UploadTurn> {
    await this.#wait(seat);
    let ended = false;
    return {
      pass: async () => {
        this.#taken = false;
        await this.#wait(seat);
      },
      [Symbol.dispose]: () => {
        if (ended) return;
        ended = true;
        this.#taken = false;
        if (this.#waiting.every((other) => other.seat.job !== seat.job)) this.#last.delete(seat.job);
        this.#next();
      },
    };
  }

  #wait(seat: UploadSeat): Promise<void> {
    return new Promise((begin) => {
      this.#waiting.push({ seat, begin });
      if (!this.#taken) this.#next();
    });
  }

  #next(): void {
    const [first, ...others] = this.#waiting;
    if (!first) return;
    const due = others.reduce((best, each) => (this.#isBefore(each.seat, best.seat) ? each : best), first);
    this.#waiting.splice(this.#waiting.indexOf(due), 1);
    this.#taken = true;
    this.#count += 1;
    this.#last.set(due.seat.job, this.#count);
    due.begin();
  }

  #isBefore(one: UploadSeat, other: UploadSeat): boolean {
    if (one.job === other.job) return one.place < other.place;
    return (this.#last.get(one.job) ?? 0) < (this.#last.get(other.job) ?? 0);
  }
}
