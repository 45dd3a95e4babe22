import { type Profiler, Session } from 'node:inspector';

/** A function, and 1 for each octet of its text that was run. */
interface Latest {
  key: string;
  run: Uint8Array;
}

/**
 * Knows which code of some modules has been reached so far, block by block, as V8 counts it. A function is known by its module and by
 * its place there; of each octet of its text it is known whether the block that it is in has ever been run.
 */
export class BlockCoverage implements Disposable {
  readonly #session = new Session();
  readonly #isMeant: (url: string) => boolean;
  readonly #reached = new Map<string, Uint8Array>();
  #reachedOctets = 0;

  constructor(isMeant: (url: string) => boolean) {
    this.#isMeant = isMeant;
    this.#session.connect();
    this.#post('Profiler.enable');
    // Without counts V8 tells of a function once, and an input that is tried again would seem to reach less.
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    // What has run before counts for nothing.
    this.#post('Profiler.takePreciseCoverage');
  }

  [Symbol.dispose](): void {
    this.#post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  get reachedOctets(): number {
    return this.#reachedOctets;
  }

  /**
   * @returns how many octets of code what has run since the last question has reached as the first; they are found again until
   * `addLatest`
   */
  newInLatest(): number {
    return this.#count(this.#latest());
  }

  /** Takes what has run since the last question for reached. */
  addLatest(): void {
    const latest = this.#latest();
    this.#reachedOctets += this.#count(latest);
    for (const { key, run } of latest) {
      const known = this.#reached.get(key);
      this.#reached.set(key, known === undefined ? run : run.map((each, at) => each | (known[at] ?? 0)));
    }
  }

  #count(latest: readonly Latest[]): number {
    let found = 0;
    for (const { key, run } of latest) {
      const known = this.#reached.get(key);
      for (let at = 0; at < run.length; at++) if (run[at] === 1 && known?.[at] !== 1) found++;
    }
    return found;
  }

  #latest(): Latest[] {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    return result
      .filter(({ url }) => this.#isMeant(url))
      .flatMap(({ url, functions }) =>
        functions.map(({ ranges }) => {
          const { startOffset: start = 0, endOffset: end = 0 } = ranges[0] ?? {};
          const run = new Uint8Array(end - start);
          // The outer ones come first, and the inner ones say it better.
          for (const { startOffset, endOffset, count } of ranges) {
            run.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
          }
          return { key: `${url}:${start}-${end}`, run };
        }),
      );
  }

  /** A session with its own thread answers before `post` returns. */
  #post(method: string, parameters?: object): object {
    let answer: object | undefined;
    this.#session.post(method, parameters, (error, result) => {
      if (error !== null) throw error;
      answer = result ?? {};
    });
    if (answer === undefined) throw new Error(`${method}: expected an answer at once`);
    return answer;
  }
}
