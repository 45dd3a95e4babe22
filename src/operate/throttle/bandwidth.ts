import type { Steering } from '../../coordinator/steering.ts';
import { type Rate, rateAt, type Timetable } from './timetable.ts';

/** The part of a clock that is needed here: `date` is milliseconds since the epoch. */
export interface DayClock {
  date(): number;
  after(delayMs: number, call: () => void): () => void;
}

const LOOK_MS = 1_000;

/** Keeps a timetable. A rate that was given meanwhile holds until the next time in it. */
export class Bandwidth implements Disposable {
  readonly #steering: Steering;
  readonly #clock: DayClock;
  #timetable: Timetable;
  #given: Rate | undefined = 'off';
  #cancel: () => void = () => {};

  constructor(steering: Steering, clock: DayClock, timetable: Timetable) {
    this.#steering = steering;
    this.#clock = clock;
    this.#timetable = timetable;
    this.#look();
  }

  get timetable(): Timetable {
    return this.#timetable;
  }

  set(timetable: Timetable): void {
    this.#timetable = timetable;
    this.#given = undefined;
    this.#cancel();
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #look(): void {
    const date = new Date(this.#clock.date());
    const rate = rateAt(this.#timetable, date.getHours() * 60 + date.getMinutes());
    if (rate !== this.#given) {
      this.#given = rate;
      this.#steering.setBwlimit(rate === 'off' ? undefined : rate);
    }
    if (this.#timetable.length > 1) this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
  }
}
