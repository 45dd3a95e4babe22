import { TokenBucket } from '../protocol/wire/token-bucket.ts';
import type { EventListener } from '../report/events.ts';
import type { Pause } from './steering.ts';

/**
 * The brakes of a run, which slow it down or hold it: one bucket of octets for all of its connections, and the reasons for
 * which nothing goes on.
 * As long as there is one of these, nothing is begun and no octet goes out; locks of mailboxes are never held meanwhile, since
 * they are given back before anything is sent.
 */
export class Brakes {
  readonly #bucket: TokenBucket;
  readonly #emit: EventListener;
  readonly #onChange: () => void;
  readonly #pauses = new Map<string, string>();

  /** @param memory of the bucket that the connections have; undefined: of none @param onChange pauses began or ended */
  constructor(memory: SharedArrayBuffer | undefined, emit: EventListener, onChange: () => void) {
    this.#bucket = new TokenBucket(memory ?? TokenBucket.memory());
    this.#emit = emit;
    this.#onChange = onChange;
  }

  get bwlimit(): number | undefined {
    return this.#bucket.rate;
  }

  setBwlimit(octetsPerSecond: number | undefined): void {
    if (octetsPerSecond === this.bwlimit) return;
    this.#bucket.setRate(octetsPerSecond);
    this.#emit({ kind: 'run:steered', what: 'bwlimit', octetsPerSecond });
  }

  get isPaused(): boolean {
    return this.#pauses.size > 0;
  }

  get pauses(): Pause[] {
    return [...this.#pauses].map(([by, reason]) => ({ by, reason }));
  }

  pause({ by, reason }: Pause): void {
    if (this.#pauses.get(by) === reason) return;
    this.#pauses.set(by, reason);
    this.#tell();
  }

  resume(by: string): void {
    if (this.#pauses.delete(by)) this.#tell();
  }

  #tell(): void {
    this.#bucket.paused = this.isPaused;
    this.#emit({ kind: 'run:steered', what: 'pauses', reasons: [...this.#pauses.values()] });
    this.#onChange();
  }
}
