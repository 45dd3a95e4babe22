import type { RunView } from '../state/run-view.ts';

/** Two hours in steps that a curve on a screen can show. */
const MOST_SAMPLES = 720;
export const SAMPLE_EVERY_MS = 10_000;

/** One point of each curve of the page. */
export interface Sample {
  /** Seconds since the epoch. */
  at: number;
  octetsPerSecond: number;
  messagesPerSecond: number;
  /** Rolling mode. */
  lagSeconds: number | null;
  backlogLines: number | null;
}

/** The latest samples; memory is that of so many, however long it goes on. */
export class History {
  readonly #samples: Sample[] = [];

  /** @param dateMs milliseconds since the epoch */
  add({ rateNow, rolling }: RunView, dateMs: number): void {
    this.#samples.push({
      at: Math.round(dateMs / 1_000),
      octetsPerSecond: Math.round(rateNow.octets),
      messagesPerSecond: Math.round(rateNow.messages * 10) / 10,
      lagSeconds: rolling?.lag.lastSeconds ?? null,
      backlogLines: rolling?.backlog?.lines ?? null,
    });
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
  }

  samples(): readonly Sample[] {
    return this.#samples;
  }
}
