import type { ByteString } from '../../src/byte-string.ts';

export type LockKind = 'shared' | 'exclusive';

/** The program whose locks are looked at. */
export const OURS = 'sync_client';

/** Milliseconds that somebody may wait for a lock of ours. Nothing that is read under one takes virtual time. */
const BOUND_MS = 100;

interface Holder {
  program: string;
  kind: LockKind;
  sinceMs: number;
}

interface Waiter {
  program: string;
  kind: LockKind;
  sinceMs: number;
  granted: () => void;
}

/** One lock that somebody has. */
export type Held = Disposable;

/**
 * Locks as the kernel has them: shared or exclusive, waited for without an order, and nothing tells of a circle. The table
 * does: of programs that wait for one another for ever, and of whoever waits for a lock of ours.
 */
export class LockTable {
  readonly #holders = new Map<ByteString, Set<Holder>>();
  readonly #waiters = new Map<ByteString, Set<Waiter>>();
  /** Programs that wait for the answer of another, as often as they do. */
  readonly #answers = new Map<string, string[]>();
  readonly #nowMs: () => number;
  readonly #violate: (what: string) => void;

  constructor(nowMs: () => number, violate: (what: string) => void) {
    this.#nowMs = nowMs;
    this.#violate = violate;
  }

  /** Takes a lock if nobody's is in the way. */
  try(program: string, name: ByteString, kind: LockKind): Held | undefined {
    const holders = this.#holders.get(name) ?? new Set();
    if ([...holders].some((holder) => kind === 'exclusive' || holder.kind === 'exclusive')) return undefined;
    const holder = { program, kind, sinceMs: this.#nowMs() };
    holders.add(holder);
    this.#holders.set(name, holders);
    return { [Symbol.dispose]: () => this.#release(name, holder) };
  }

  /** Waits until the lock is had, as a process of Cyrus does, with whatever it holds already. */
  async take(program: string, name: ByteString, kind: LockKind): Promise<Held> {
    for (;;) {
      const held = this.try(program, name, kind);
      if (held) return held;
      const waiters = this.#waiters.get(name) ?? new Set();
      this.#waiters.set(name, waiters);
      await new Promise<void>((granted) => {
        waiters.add({ program, kind, sinceMs: this.#nowMs(), granted });
        this.#lookForCircle(program);
      });
    }
  }

  /** Until it is disposed of, one program does nothing but wait for the other. */
  awaits(program: string, other: string): Disposable {
    const others = this.#answers.get(program) ?? [];
    others.push(other);
    this.#answers.set(program, others);
    this.#lookForCircle(program);
    return { [Symbol.dispose]: () => void others.splice(others.indexOf(other), 1) };
  }

  /** Says whom a lock of ours that was never given back holds up. */
  audit(): void {
    for (const [name, holders] of this.#holders) for (const holder of holders) this.#judge(name, holder);
  }

  #release(name: ByteString, holder: Holder): void {
    this.#judge(name, holder);
    this.#holders.get(name)?.delete(holder);
    const waiters = this.#waiters.get(name);
    this.#waiters.delete(name);
    for (const { granted } of waiters ?? []) granted();
  }

  #judge(name: ByteString, { program, sinceMs }: Holder): void {
    if (program !== OURS) return;
    for (const waiter of this.#waiters.get(name) ?? []) {
      const waitedMs = this.#nowMs() - Math.max(waiter.sinceMs, sinceMs);
      if (waitedMs > BOUND_MS) this.#violate(`${waiter.program} waits ${waitedMs} ms for our lock ${name}`);
    }
  }

  #lookForCircle(start: string): void {
    const waitsFor = (program: string): string[] => {
      const blockers = [...this.#waiters].flatMap(([name, waiters]) =>
        [...waiters].some((waiter) => waiter.program === program)
          ? [...(this.#holders.get(name) ?? [])].map((holder) => holder.program)
          : [],
      );
      return [...new Set([...blockers, ...(this.#answers.get(program) ?? [])])];
    };
    const seen = new Set<string>();
    const follow = (path: string[]): void => {
      for (const next of waitsFor(path.at(-1) ?? '')) {
        if (next === start) this.#violate(`they wait for one another: ${[...path, next].join(' -> ')}`);
        else if (!seen.has(next)) {
          seen.add(next);
          follow([...path, next]);
        }
      }
    };
    follow([start]);
  }
}
