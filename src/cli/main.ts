/**
 * The door of `cli`. Here a command line and the configuration become one frozen plan, and the process what the plan wants:
 * its user, its place in the background, its signals, its exit code. It may use every room but decides nothing about mail.
 * What is wrong is found before anything is opened, is said in one line on standard error, and no password is in it.
 */

import { EXIT_OK } from '../coordinator/run/exit-codes.ts';
import { type Arguments, parseArguments } from './arguments/arguments.ts';
import { PROGRAM, USAGE } from './arguments/command-line.ts';
import { openOutputFiles } from './carry-out/output-files.ts';
import { checkProgramReadable } from './start/check-program-readable.ts';
import { failed, inFrame } from './start/in-frame.ts';

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
    const code = failed(PROGRAM, caught);
    process.stderr.write(USAGE);
    return code;
  }
  if (args.answer !== undefined) {
    process.stdout.write(args.answer);
    return EXIT_OK;
  }
  return await inFrame(PROGRAM, args.exitCodes, environment, (signal) =>
    // Everything below is loaded only by a command line that is in order.
    args.mode === 'rolling' ? rolling(args, argv, environment, signal) : once(args, environment, signal),
  );
}

async function once(args: Arguments, environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const [{ planRun }, { becomeCyrusUser }, { carryOut }] = await Promise.all([
    import('./run-plan/plan-run.ts'),
    import('./run-plan/become-cyrus-user.ts'),
    import('./carry-out/carry-out.ts'),
  ]);
  const plan = planRun(args, environment);
  if (args.dryRun) {
    const [{ carryOutPlan }, { PLAIN_PLAN }] = await Promise.all([
      import('./carry-out/carry-out-plan.ts'),
      import('./carry-out/plan-options.ts'),
    ]);
    becomeCyrusUser(plan.identity);
    checkProgramReadable(plan.identity.user);
    return await carryOutPlan(plan, PLAIN_PLAN, signal);
  }
  using files = await openOutputFiles(plan, PROGRAM);
  becomeCyrusUser(plan.identity);
  checkProgramReadable(plan.identity.user);
  return await carryOut(plan, files, signal);
}

/** Every channel named, side by side; the worst exit code is the command's. */
async function rolling(
  args: Arguments,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const [
    { planRolling },
    { becomeCyrusUser },
    { carryOutRolling },
    { continueInBackground, isBackground },
    { findServiceManager },
  ] = await Promise.all([
    import('./run-plan/plan-run.ts'),
    import('./run-plan/become-cyrus-user.ts'),
    import('./carry-out/carry-out-rolling.ts'),
    import('./start/continue-in-background.ts'),
    import('./start/service-manager.ts'),
  ]);
  const channels = planRolling(args, environment);
  const first = channels[0]?.plan;
  if (first?.background && !isBackground(environment)) {
    await continueInBackground(argv, environment);
    return EXIT_OK;
  }
  if (first) {
    becomeCyrusUser(first.identity);
    checkProgramReadable(first.identity.user);
  }
  using manager = findServiceManager(environment);
  signal.addEventListener('abort', () => manager?.stopping());
  let toBegin = channels.length;
  const begun = (): void => {
    toBegin -= 1;
    if (toBegin === 0)
      manager?.ready(`following ${channels.length === 1 ? 'a sync log' : `${channels.length} sync logs`}`);
  };
  const codes = await Promise.all(
    channels.map(({ plan, replan }) => carryOutRolling(plan, channels.length, signal, begun, replan)),
  );
  return Math.max(EXIT_OK, ...codes);
}
