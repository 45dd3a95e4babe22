import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { PrivateEndpoint } from './messages.ts';

/** Where Cyrus's tools are, seen from its servers. */
const FROM_SERVERS = ['.', '../bin', '../sbin', '../../sbin'];
const TOOL = 'ctl_mboxlist';

/**
 * Internal names of all mailboxes of this host's Cyrus, whatever its list is kept in: its own tool dumps it.
 *
 * @throws SyncError CONFIG if the tool is not installed; IO if it cannot be started, or fails
 */
export async function listByTool({ program, configFile }: PrivateEndpoint): Promise<ByteString[]> {
  const tool = FROM_SERVERS.map((folder) => join(dirname(program), folder, TOOL)).find((path) =>
    existsSync(path),
  );
  if (tool === undefined) {
    throw new SyncError('CONFIG', `${TOOL}: no such program near ${program}`, {
      phase: 'start',
      hint: 'install the administration tools of Cyrus, or name users with -u or -u -f',
    });
  }
  const child = await start(tool, ['-C', configFile, '-d']);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${String(chunk)}`.slice(-1_000);
  });
  child.stdout.setEncoding('latin1');
  const ended = once(child, 'close');
  const names: ByteString[] = [];
  const { createInterface } = process.getBuiltinModule('node:readline');
  for await (const line of createInterface({ input: child.stdout })) {
    const name = nameInDump(line);
    if (name !== undefined) names.push(name);
  }
  const [code] = await ended;
  if (code === 0) return names;
  throw new SyncError('IO', `${tool} ended with ${String(code)}: ${said.trim()}`, { phase: 'read' });
}

/** Waits until it runs: before that it may have no output to be read, and nobody who listens for why. */
async function start(
  tool: string,
  args: readonly string[],
): Promise<ChildProcessByStdio<null, Readable, Readable>> {
  try {
    const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child, 'spawn');
    return child;
  } catch (caught) {
    const { code, message, hint, retryable } = SyncError.from(caught);
    throw new SyncError(code, `${tool} cannot be started: ${message}`, {
      phase: 'read',
      hint,
      retryable,
      cause: caught,
    });
  }
}

/** Bits of an older dump: remote, reserved, moving, deleted, in between. */
const NO_MAILBOX_HERE = 0x11b;

/**
 * The name in one line of the dump: JSON from Cyrus 3.6 on, tabs before. What is no mailbox of this host is passed over: rows
 * of deleted ones, rows in between, and those of other servers.
 */
export function nameInDump(line: string): ByteString | undefined {
  const [, key, row] = /^"((?:[^"\\]|\\.)*)": (\{.*\}),?$/.exec(line) ?? [];
  if (key !== undefined && row !== undefined) {
    const { mbtype }: { mbtype?: unknown } = JSON.parse(row);
    return typeof mbtype === 'string' && /[dirmz]/.test(mbtype) ? undefined : JSON.parse(`"${key}"`);
  }
  const [, name, type] = /^([^"{}\t][^\t]*)\t(\d+) /.exec(line) ?? [];
  return type !== undefined && (Number(type) & NO_MAILBOX_HERE) === 0 ? name : undefined;
}
