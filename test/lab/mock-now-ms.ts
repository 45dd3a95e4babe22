import type { mock } from 'node:test';

/** `t.mock` of a test has it, and `mock` of `node:test`. */
type Mock = Pick<typeof mock, 'method'>;

/** The clock of `nowMs` tells what `now` says, in milliseconds, until the mocks are restored. */
export function mockNowMs(tracker: Mock, now: () => number): void {
  const { hrtime } = process;
  const told = (): [number, number] => {
    const ms = now();
    const seconds = Math.floor(ms / 1000);
    return [seconds, (ms - seconds * 1000) * 1e6];
  };
  tracker.method(process, 'hrtime', Object.assign(told, { bigint: hrtime.bigint }));
}
