import { printable } from '../../report/printable.ts';
import { printableJson } from '../../report/printable-json.ts';

/*
 * The only writer to standard output and standard error of the verbs, as a run has its own: whatever it writes is printable. What cannot be written
 * is told of when the process ends (bin/exit-when-written).
 */

/** Lines on standard output. Their cells end at tabs. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line.split('\t').map(printable).join('\t')}\n`).join(''));
}

/** A document on standard output, by itself on its lines. */
export function printJson(value: unknown, indent = 0): void {
  process.stdout.write(`${printableJson(value, indent)}\n`);
}

/** One line on standard error. */
export function complain(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}

/** For whoever prints again and again: aborted once nobody reads it any more, or it cannot be written. */
export function untilUnread(): AbortSignal {
  const unread = new AbortController();
  process.stdout.once('error', () => unread.abort());
  return unread.signal;
}
