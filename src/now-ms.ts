/**
 * @returns milliseconds of a clock that never goes back, so that only differences mean anything. Node has it as
 *   `performance.now` too, for which it loads nine of its own modules: a fiftieth of a small run.
 */
export function nowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
