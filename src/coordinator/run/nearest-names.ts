import type { ByteString } from '../../byte-string.ts';
import type { Guess } from '../../report/events.ts';

type Near = Extract<Guess, { why: 'case' | 'similar' | 'form' }>;

/** Letters of a name that a typing error may have changed: of short names fewer, or every name would be like another. */
const LETTERS_PER_ERROR = 4;
const MOST_ERRORS = 2;

interface Best {
  lower: ByteString;
  errors: number;
  near: Near | undefined;
}

/**
 * For each of `wanted` the candidate that is most like it: one that differs in capitals only, one with a domain behind
 * it, one with a typing error or two.
 */
export function nearestNames(
  wanted: readonly ByteString[],
  candidates: Iterable<ByteString>,
): Map<ByteString, Near> {
  const bests = new Map<ByteString, Best>(
    wanted.map((name) => [
      name,
      { lower: name.toLowerCase(), errors: errorsAllowed(name) + 1, near: undefined },
    ]),
  );
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    for (const best of bests.values()) compare(best, candidate, lower);
  }
  const found = new Map<ByteString, Near>();
  for (const [name, { near }] of bests) if (near) found.set(name, near);
  return found;
}

function compare(best: Best, candidate: ByteString, lower: ByteString): void {
  if (best.errors === 0) return;
  if (lower === best.lower) {
    best.errors = 0;
    best.near = { why: 'case', name: candidate };
    return;
  }
  if (best.near?.why !== 'form' && lower.startsWith(`${best.lower}@`)) {
    best.near = { why: 'form', name: candidate };
    return;
  }
  if (best.near?.why === 'form') return;
  const errors = typingErrors(best.lower, lower, best.errors - 1);
  if (errors === undefined) return;
  best.errors = errors;
  best.near = { why: 'similar', name: candidate };
}

function errorsAllowed(name: ByteString): number {
  return Math.min(MOST_ERRORS, Math.floor(name.length / LETTERS_PER_ERROR));
}

/** Letters to add, leave out, change or swap with their neighbour. @returns undefined: more than `most` */
function typingErrors(a: ByteString, b: ByteString, most: number): number | undefined {
  if (Math.abs(a.length - b.length) > most) return undefined;
  const far = most + 1;
  // Cells further than `most` from the diagonal cannot matter: each step away from it is an error.
  let beforeLast: number[] = [];
  let last: number[] = [];
  for (let j = 0; j <= Math.min(b.length, most); j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(0, i - most);
    const to = Math.min(b.length, i + most);
    const row: number[] = [];
    let least = far;
    for (let j = from; j <= to; j++) {
      let errors = j === 0 ? i : (last[j - 1] ?? far) + (a[i - 1] === b[j - 1] ? 0 : 1);
      errors = Math.min(errors, (last[j] ?? far) + 1, (row[j - 1] ?? far) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        errors = Math.min(errors, (beforeLast[j - 2] ?? far) + 1);
      }
      row[j] = errors;
      least = Math.min(least, errors);
    }
    if (least > most) return undefined;
    beforeLast = last;
    last = row;
  }
  const errors = last[b.length] ?? far;
  return errors <= most ? errors : undefined;
}
