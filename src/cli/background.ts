import { spawn } from 'node:child_process';

/** The environment of a process that another one has started for -r: it stays in the foreground itself. */
const BACKGROUND = 'CYRUS_SYNC_BACKGROUND';

/**
 * Starts this command again behind the caller's back and returns (algorithm section 1): same process group, same
 * standard streams, as the C client's fork.
 */
export function continueInBackground(argv: readonly string[], environment: NodeJS.ProcessEnv): void {
  const [, script = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, ...argv], {
    stdio: 'inherit',
    env: { ...environment, [BACKGROUND]: '1' },
  });
  child.unref();
}

export function isBackground(environment: NodeJS.ProcessEnv): boolean {
  return environment[BACKGROUND] !== undefined;
}
