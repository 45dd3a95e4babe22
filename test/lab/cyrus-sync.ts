import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { startAs, type ToolResult } from './processes.ts';
import { settingsOfItsCyrus } from './settings-of-its-cyrus.ts';
import { withoutWaiters } from './without-waiters.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'cyrus-sync.cjs');

/** Milliseconds: more than any run of these tests takes on a slow machine. */
const RUN_DEADLINE = 180_000;

/** `cyrus-sync VERB` as cyrus on a master of the tests. */
export async function cyrusSync(
  server: CyrusServer,
  verb: string,
  args: readonly string[],
): Promise<ToolResult> {
  const command = [process.execPath, ENTRY, verb, '-C', server.configFile, ...args];
  const env = settingsOfItsCyrus(server, args);
  const tool = startAs(command, { cwd: server.directory, deadline: RUN_DEADLINE, env });
  tool.endInput();
  return await withoutWaiters(server, `cyrus-sync ${[verb, ...args].join(' ')}`, tool).result;
}
