import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** Odd, with its bits everywhere. */
const SPREAD = 0x9e37_79b1;

/** All chance of one simulation: the same seed draws the same numbers. */
export class Random {
  readonly #generator: RandomGenerator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(Math.imul(seed, SPREAD));
    // Neighbouring seeds begin alike.
    for (let count = 0; count < 16; count += 1) this.#generator.next();
  }

  /** 0 <= r < 1 */
  readonly fraction = (): number => uniformFloat64(this.#generator);

  /** Both ends can come up. */
  between(low: number, high: number): number {
    return uniformInt(this.#generator, low, high);
  }

  /** @param probability from 0 to 1 */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @throws if there is nothing to choose from */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.between(0, choices.length - 1)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }

  /** Draws of its own, so that more draws of one part of a world leave those of the others as they are. */
  split(): Random {
    return new Random(this.between(0, 0x7fff_ffff));
  }
}
