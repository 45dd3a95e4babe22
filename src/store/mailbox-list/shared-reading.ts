import type { ByteString } from '../../byte-string.ts';

/** A reading that has not begun, so that it can still answer for more. */
interface NextReading<Found> {
  wanted: Set<ByteString>;
  found: Promise<Found>;
}

/**
 * Reads a whole list once at a time, however many ask: whoever asks while it is being read waits for the next reading,
 * which answers all of them.
 */
export class SharedReading<Found> {
  readonly #read: (wanted: Set<ByteString>) => Promise<Found>;
  #next: NextReading<Found> | undefined;
  /** The end of the latest reading that was asked for. */
  #latest: Promise<unknown> = Promise.resolve();

  constructor(read: (wanted: Set<ByteString>) => Promise<Found>) {
    this.#read = read;
  }

  /** @returns what was found for all who share the reading */
  ask(wanted: readonly ByteString[]): Promise<Found> {
    this.#next ??= this.#planReading();
    for (const each of wanted) this.#next.wanted.add(each);
    return this.#next.found;
  }

  #planReading(): NextReading<Found> {
    const wanted = new Set<ByteString>();
    const found = this.#latest.then(() => {
      this.#next = undefined;
      return this.#read(wanted);
    });
    this.#latest = found.catch(() => undefined);
    return { wanted, found };
  }
}
