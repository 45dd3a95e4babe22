import { join } from 'node:path';
import type { CyrusServer } from '../../test/lab/cyrus-server.ts';
import { runAs } from '../../test/lab/processes.ts';

const SYNC_CLIENT = join(import.meta.dirname, '..', '..', 'bin', 'sync_client.cjs');

/** Does with a slice as an agent would, in the way of somebody who has no fleet. */
export async function runSyncClient(
  master: CyrusServer,
  server: string,
  octetsPerSecond: number,
  users: readonly string[],
): Promise<void> {
  const options = ['-u', '-N', '-o', '--verify', '--no-progress', '-C', master.configFile, '-S', server];
  const limits = ['--workers', '1', '--bwlimit', String(octetsPerSecond)];
  const { code, stderr } = await runAs(
    [process.execPath, SYNC_CLIENT, ...options, ...limits, '--', ...users],
    {
      cwd: master.directory,
    },
  );
  if (code !== 0) throw new Error(stderr);
}
