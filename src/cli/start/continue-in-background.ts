import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SyncError } from '../../report/sync-error.ts';

/** The environment of a process that another one has started for -r: it stays in the foreground itself. */
const BACKGROUND = 'CYRUS_SYNC_BACKGROUND';

/** An address that no host has, for the debugger that Node opens on SIGUSR1 before the first line of the command runs. */
const NO_DEBUGGER = '--inspect-port=240.0.0.1:9229';

/**
 * Starts this command again behind the caller's back and returns (algorithm 1): same process group, same
 * standard streams, as the C client's fork.
 *
 * @throws SyncError IO if it cannot be started
 */
export async function continueInBackground(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const [, script = ''] = process.argv;
  const options = [...process.execArgv.filter((option) => !option.startsWith('--inspect')), NO_DEBUGGER];
  try {
    const child = spawn(process.execPath, [...options, script, ...argv], {
      stdio: 'inherit',
      env: { ...environment, [BACKGROUND]: '1' },
    });
    child.unref();
    await once(child, 'spawn');
  } catch (caught) {
    const { code, message } = SyncError.from(caught);
    throw new SyncError(code, `the process in the background cannot be started: ${message}`, {
      phase: 'start',
      hint: '-R stays in the foreground, and needs no further process',
      cause: caught,
    });
  }
}

export function isBackground(environment: NodeJS.ProcessEnv): boolean {
  return environment[BACKGROUND] !== undefined;
}
