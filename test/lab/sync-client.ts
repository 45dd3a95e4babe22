import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { type RunningTool, type RunOptions, startAs, type ToolResult } from './processes.ts';
import { settingsOfItsCyrus } from './settings-of-its-cyrus.ts';
import { withoutWaiters } from './without-waiters.ts';

/**
 * The command under test, run as cyrus on a master of the tests. `SYNC_CLIENT=/usr/lib/cyrus/bin/sync_client` in the
 * environment puts the C client in its place: that is how a test of ours is itself tested against the original.
 */
const OURS = [process.execPath, join(import.meta.dirname, '..', '..', 'bin', 'sync_client.cjs')];

/** Milliseconds: more than any run of these tests takes on a slow machine. */
const RUN_DEADLINE = 180_000;

export async function syncClient(
  server: CyrusServer,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ToolResult> {
  return await startSyncClient(server, args, options).result;
}

export function startSyncClient(
  server: CyrusServer,
  args: readonly string[],
  options: RunOptions = {},
): RunningTool {
  const tool = startAs(commandLine(server, args), inDirectoryOf(server, args, options));
  if (options.input === undefined) tool.endInput();
  return withoutWaiters(server, `sync_client ${args.join(' ')}`, tool);
}

/** The command line under test without `-C`, for tests of how it starts. */
export function syncClientCommand(): string[] {
  const other = process.env.SYNC_CLIENT;
  return other === undefined ? [...OURS] : [other];
}

/** `syncClient` that throws, with the end of all output, unless the exit code is 0. */
export async function syncClientOk(
  server: CyrusServer,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ToolResult> {
  const result = await syncClient(server, args, options);
  if (result.code !== 0) {
    throw new Error(
      `sync_client ${args.join(' ')} exited ${result.code}\n${result.stdout.slice(-2000)}\n${result.stderr.slice(-4000)}`,
    );
  }
  return result;
}

function commandLine(server: CyrusServer, args: readonly string[]): string[] {
  return [...syncClientCommand(), '-C', server.configFile, ...args];
}

function inDirectoryOf(server: CyrusServer, args: readonly string[], options: RunOptions): RunOptions {
  const env = { ...options.env, ...settingsOfItsCyrus(server, args) };
  return { cwd: server.directory, deadline: RUN_DEADLINE, ...options, env };
}
