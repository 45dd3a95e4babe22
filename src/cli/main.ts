import { EXIT_OK, exitCodeOfError } from '../coordinator/exit-code.ts';
import { reasonWithHint } from '../report/failures.ts';
import { SyncError } from '../report/sync-error.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { USAGE } from './command-line.ts';
import { listenForStop } from './signals.ts';

/**
 * The whole command.
 *
 * @param argv without interpreter and script
 * @returns the exit code
 */
export async function main(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  let args: Arguments;
  try {
    args = parseArguments(argv);
  } catch (caught) {
    const code = fail(caught);
    process.stderr.write(USAGE);
    return code;
  }
  if (args.answer !== undefined) {
    process.stdout.write(args.answer);
    return EXIT_OK;
  }
  const { signal, stopListening } = listenForStop();
  try {
    // Everything below is loaded only by a command line that is in order.
    const [{ planRun }, { becomeCyrusUser }, { carryOut }] = await Promise.all([
      import('./plan.ts'),
      import('./identity.ts'),
      import('./carry-out.ts'),
    ]);
    const plan = planRun(args, environment);
    becomeCyrusUser(plan.identity);
    return await carryOut(plan, signal);
  } catch (caught) {
    return fail(caught);
  } finally {
    stopListening();
  }
}

function fail(caught: unknown): number {
  const error = SyncError.from(caught);
  process.stderr.write(`sync_client: ${reasonWithHint(error.toData())}\n`);
  return exitCodeOfError(error.code);
}
