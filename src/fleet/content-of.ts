import { createHash } from 'node:crypto';

/** Hexadecimal digits: enough to tell all plans and slices of a fleet from each other. */
const DIGITS = 12;

/** Names something by what is in it: what is named again is there already, and anything else has another name. */
export function contentOf(parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\n')).digest('hex').slice(0, DIGITS);
}
