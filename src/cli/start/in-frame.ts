/**
 * The door of `cli/start`. Here is what every command does around its work: the environment, the heap, signals, going to the background,
 * telling a service manager. It knows of no run.
 */

import { exitCodeOfError, extendedErrorCode } from '../../coordinator/run/exit-codes.ts';
import { printableBytes } from '../../report/printable.ts';
import { asItIs, reasonWithHint } from '../../report/reasons.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { checkEnvironment } from './check-environment.ts';
import { keepHeapSmall } from './keep-heap-small.ts';
import { endByTheSecond, listenForStop } from './signals.ts';

/** The frame around the work of every command: signals, a clean environment, and one line for what ends it. */
export async function inFrame(
  program: string,
  exitCodes: Arguments['exitCodes'],
  environment: NodeJS.ProcessEnv,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  keepHeapSmall();
  const { signal, stopListening } = listenForStop();
  try {
    checkEnvironment(environment);
    endByTheSecond();
    return await work(signal);
  } catch (caught) {
    return failed(program, caught, exitCodes);
  } finally {
    stopListening();
  }
}

/** One line on standard error. @returns the exit code */
export function failed(
  program: string,
  caught: unknown,
  exitCodes: Arguments['exitCodes'] = 'classic',
): number {
  const error = SyncError.from(caught);
  process.stderr.write(`${program}: ${printableBytes(reasonWithHint(error.toData(), asItIs))}\n`);
  return exitCodes === 'extended' ? extendedErrorCode(error.code) : exitCodeOfError(error.code);
}
