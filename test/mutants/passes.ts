import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Runs a test file of a built copy, and kills it with its children after so long. @returns whether it passes */
export async function passes(
  copy: string,
  test: string,
  timeoutMs: number,
  environment: NodeJS.ProcessEnv = {},
): Promise<boolean> {
  const preload = join(copy, 'dist', 'test', 'mutants', 'first-failure.js');
  const child = spawn(process.execPath, ['--import', preload, join(copy, test)], {
    cwd: copy,
    env: { ...process.env, ...environment },
    stdio: 'ignore',
    detached: true,
  });
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), timeoutMs);
  const status = await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  return status === 0;
}
