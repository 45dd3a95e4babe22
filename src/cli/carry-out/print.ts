import { printable } from '../../report/printable.ts';
import { printableJson } from '../../report/printable-json.ts';
import { SyncError } from '../../report/sync-error.ts';

/*
 * The only writer to standard output and standard error of the verbs, as a run has its own: whatever it writes is printable.
 */

const unread = new AbortController();
let isHeard = false;
let failure: Error | undefined;

/** Lines on standard output. Their cells end at tabs. @throws SyncError as `checkPrinted` */
export function printLines(lines: readonly string[]): void {
  print(lines.map((line) => `${line.split('\t').map(printable).join('\t')}\n`).join(''));
}

/** A document on standard output, by itself on its lines. @throws SyncError as `checkPrinted` */
export function printJson(value: unknown, indent = 0): void {
  print(`${printableJson(value, indent)}\n`);
}

/** Help and the like, as it is. @throws SyncError as `checkPrinted` */
export function printText(text: string): void {
  print(text);
}

/** One line on standard error. */
export function complain(line: string): void {
  hearErrors();
  process.stderr.write(`${printable(line)}\n`);
}

/** For whoever prints again and again: aborted once nobody reads it any more, or it cannot be written. */
export function untilUnread(): AbortSignal {
  hearErrors();
  return unread.signal;
}

/**
 * Half of a plan that is kept to be started must not look like all of it. A reader that is gone (`| head`) has what it wanted.
 *
 * @throws SyncError IO
 */
export function checkPrinted(): void {
  // It forgets its error once it has told of it.
  const error = failure ?? process.stdout.errored;
  if (!error || ('code' in error && error.code === 'EPIPE')) return;
  throw new SyncError('IO', `standard output cannot be written: ${error.message}`, {
    hint: 'What was printed is not whole; look whether its disk is full',
    cause: error,
  });
}

function print(text: string): void {
  hearErrors();
  process.stdout.write(text);
  checkPrinted();
}

/** An error that nobody hears ends the process, and an agent in the middle of its slice with it. */
function hearErrors(): void {
  if (isHeard) return;
  isHeard = true;
  process.stdout.on('error', (error: Error) => {
    failure ??= error;
    unread.abort();
  });
  process.stderr.on('error', () => {
    // Whoever read it is gone.
  });
}
