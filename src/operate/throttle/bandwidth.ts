import type { Steering } from '../../coordinator/steering.ts';
import { type Rate, rateAt, type Timetable } from './timetable.ts';

/** The part of a clock that is needed here: `date` is milliseconds since the epoch. */
export interface DayClock {
  date(): number;
  after(delayMs: number, call: () => void): () => void;
}

const LOOK_MS = 1_000;

/** Keeps a timetable. A rate that was given meanwhile, wherever that was, holds in its place. */
export class Bandwidth implements Disposable {
  readonly #steering: Steering;
  readonly #clock: DayClock;
  #timetable: Timetable;
  #given: Rate;
  #cancel: () => void = () => {};

  constructor(steering: Steering, clock: DayClock, timetable: Timetable) {
    this.#steering = steering;
    this.#clock = clock;
    this.#timetable = timetable;
    this.#given = this.#rate;
    this.#look();
  }

  get timetable(): Timetable {
    this.#obey();
    return this.#timetable;
  }

  set(timetable: Timetable): void {
    this.#timetable = timetable;
    this.#given = this.#rate;
    this.#cancel();
    this.#look();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  get #rate(): Rate {
    return this.#steering.bwlimit ?? 'off';
  }

  #obey(): void {
    if (this.#rate === this.#given) return;
    this.#given = this.#rate;
    this.#timetable = [{ minute: 0, rate: this.#given }];
  }

  #look(): void {
    this.#obey();
    // To learn its time zone takes a process as long as some users of a run that has nothing to do.
    const minute = this.#timetable.length > 1 ? minuteOfDay(new Date(this.#clock.date())) : 0;
    const rate = rateAt(this.#timetable, minute);
    if (rate !== this.#given) {
      this.#given = rate;
      this.#steering.setBwlimit(rate === 'off' ? undefined : rate);
    }
    if (this.#timetable.length > 1) this.#cancel = this.#clock.after(LOOK_MS, () => this.#look());
  }
}

function minuteOfDay(date: Date): number {
  return date.getHours() * 60 + date.getMinutes();
}
