import type { ByteString } from '../../src/byte-string.ts';
import type { KeyComparator } from '../../src/store/cyrusdb/key-comparator.ts';
import { compareUnsigned } from '../../src/store/cyrusdb/key-comparator.ts';
import { MARKER, type Operation } from './cyrus-scratch.ts';

/** Sets and deletes that look like a life: new keys, the same keys again, keys with any octets. Repeatable by seed. */
export function randomOperations(
  seed: number,
  count: number,
  before: ReadonlyMap<ByteString, ByteString>,
): Operation[] {
  const next = generator(seed);
  const keys = [...before.keys()].filter((key) => key !== MARKER);
  const operations: Operation[] = [];
  for (let i = 0; i < count; i++) {
    const known = keys[next(keys.length || 1)];
    if (known !== undefined && next(3) === 0) {
      operations.push({ delete: known });
    } else {
      const set = known !== undefined && next(3) === 0 ? known : randomKey(next);
      keys.push(set);
      operations.push({ set, value: octets(next, next(8) === 0 ? next(5000) : next(120)) });
    }
  }
  return operations;
}

export function applied(
  rows: Map<ByteString, ByteString>,
  operations: readonly Operation[],
): Map<ByteString, ByteString> {
  for (const operation of operations) {
    if ('set' in operation) rows.set(operation.set, operation.value);
    else rows.delete(operation.delete);
  }
  return rows;
}

export function sorted(rows: ReadonlyMap<ByteString, ByteString>, compare: KeyComparator = compareUnsigned) {
  return [...rows].sort(([a], [b]) => compare(a, b));
}

function randomKey(next: (below: number) => number): ByteString {
  return next(3) === 0 ? `${octets(next, 1 + next(12))}` : `user.u${next(40)}.${next(10)}`;
}

function octets(next: (below: number) => number, length: number): ByteString {
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(next(256));
  return text;
}

/** Mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
