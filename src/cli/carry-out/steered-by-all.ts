import type { Steering } from '../../coordinator/steering.ts';

type Taker = (steering: Steering) => Disposable;

/** Hands what steers a run to everybody who may give orders; what they began ends in the opposite order. */
export function steeredByAll(...takers: readonly Taker[]): Taker {
  return (steering) => {
    const taken = takers.map((take) => take(steering));
    return {
      [Symbol.dispose]: () => {
        for (const one of taken.reverse()) one[Symbol.dispose]();
      },
    };
  };
}
