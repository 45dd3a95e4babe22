import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CyrusServer, PASSWORD, replicaSettings } from './cyrus-server.ts';
import { type RunOptions, runProcess, type ToolResult } from './processes.ts';
import { syncClientCommand } from './sync-client.ts';

/** An account that may read no file of any Cyrus: `nobody`, on every Linux. */
const NOBODY = { uid: 65_534, gid: 65_534 };

export interface Stranger extends AsyncDisposable {
  /** `sync_client` with `--from`, as an account that neither server knows. */
  run(args: readonly string[], options?: RunOptions): Promise<ToolResult>;
  /** `run` that throws, with all output, unless the exit code is 0. */
  runOk(args: readonly string[], options?: RunOptions): Promise<ToolResult>;
  /** A verb of `cyrus-sync` instead. */
  verb(args: readonly string[]): Promise<ToolResult>;
}

export interface StrangerOptions {
  over?: 'imap' | 'csync';
  imapd?: Record<string, string>;
  settings?: Record<string, string>;
}

/** Somebody with a login at both servers, and none of their files in reach. */
export async function openStranger(
  master: CyrusServer,
  replica: CyrusServer,
  { over = 'imap', imapd = {}, settings = {} }: StrangerOptions = {},
): Promise<Stranger> {
  const directory = await mkdtemp(join(tmpdir(), 'stranger-'));
  const write = async (name: string, lines: readonly string[]): Promise<string> => {
    const file = join(directory, name);
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    await chown(file, NOBODY.uid, NOBODY.gid);
    return file;
  };
  const options = { ...replicaSettings(replica), unixhierarchysep: 'yes', ...imapd };
  const config = await write(
    'imapd.conf',
    Object.entries(options).map(([key, value]) => `${key}: ${value}`),
  );
  const login = { master_user: 'admin', master_password: PASSWORD, ...settings };
  const ini = await write(
    'settings.ini',
    Object.entries(login).map(([key, value]) => `${key} = ${value}`),
  );
  await chown(directory, NOBODY.uid, NOBODY.gid);
  const port = over === 'imap' ? master.imapPort : master.syncPort;
  const common = ['-C', config, '--settings', ini, '--from', `127.0.0.1:${port}`];
  const env = { TMPDIR: directory };
  const [node = '', command = ''] = syncClientCommand();
  const run = (args: readonly string[], more: RunOptions = {}): Promise<ToolResult> =>
    runProcess([node, command, ...common, ...args], { cwd: directory, env, ...more }, NOBODY);
  return {
    run,
    async runOk(args, more) {
      const result = await run(args, more);
      if (result.code === 0) return result;
      throw new Error(
        `--from ${args.join(' ')} exited ${result.code}\n${result.stdout}\n${result.stderr.slice(-4000)}`,
      );
    },
    verb: ([verb = '', ...args]) =>
      runProcess(
        [node, command.replace('sync_client', 'cyrus-sync'), verb, ...common, ...args],
        { cwd: directory, env },
        NOBODY,
      ),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
