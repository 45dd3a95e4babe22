import assert from 'node:assert/strict';
import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  execFileSync,
  spawn,
  spawnSync,
} from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { PROGRAMS } from './cyrus-programs.ts';

/** These tests are about what the real Cyrus writes: without it they fail, they do not pass for want of a subject. */
const TOOL = PROGRAMS.path('cyr_dbtool');

export type Operation = { set: string; value: string } | { delete: string };

/** A directory that Cyrus's tools can write to, with its own imapd.conf. Gone after the test. */
export class CyrusScratch {
  readonly directory: string;
  readonly #config: string;

  constructor(context?: Pick<TestContext, 'after'>, options: readonly string[] = []) {
    this.directory = mkdtempSync(join(tmpdir(), 'cyrusdb-'));
    context?.after(() => this.remove());
    const configuration = join(this.directory, 'conf');
    mkdirSync(configuration);
    this.#config = join(this.directory, 'imapd.conf');
    writeFileSync(
      this.#config,
      `${[`configdirectory: ${configuration}`, `partition-default: ${this.directory}/spool`, 'defaultpartition: default', ...options].join('\n')}\n`,
    );
    // Started by root, the tools go on as this user.
    if (process.getuid?.() === 0) {
      const [uid, gid] = ['-u', '-g'].map((flag) =>
        Number(execFileSync('id', [flag, 'cyrus'], { encoding: 'utf8' })),
      );
      for (const path of [this.directory, configuration, this.#config]) chownSync(path, uid ?? 0, gid ?? 0);
    }
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** One command; fails the test if Cyrus does. */
  run(path: string, format: string, action: string[], input = ''): string {
    const result = spawnSync(TOOL, this.#arguments(path, format, action), {
      input: Buffer.from(input, 'latin1'),
      encoding: 'latin1',
      maxBuffer: 1 << 26,
    });
    assert.equal(result.error, undefined, `${TOOL} must be installed: ${result.error?.message}`);
    assert.equal(result.status, 0, `cyr_dbtool ${format} ${action[0]}: ${result.stderr}`);
    // A failed batch says so, and still exits with 0.
    assert.equal(result.stderr, '');
    return result.stdout;
  }

  transaction(path: string, format: string, operations: readonly Operation[]): void {
    this.run(path, format, ['batch'], `BEGIN\n${operations.map(line).join('')}COMMIT\n`);
  }

  /** A writer that never waits for us: its commands come from a file. */
  async startBatch(
    path: string,
    format: string,
    transactions: readonly (readonly Operation[])[],
  ): Promise<ChildProcess> {
    const commands = this.path('commands');
    writeFileSync(
      commands,
      transactions.map((operations) => `BEGIN\n${operations.map(line).join('')}COMMIT\n`).join(''),
      'latin1',
    );
    const input = openSync(commands, 'r');
    const child = spawn(TOOL, this.#arguments(path, format, ['batch']), {
      stdio: [input, 'ignore', 'inherit'],
    });
    closeSync(input);
    await once(child, 'spawn');
    return child;
  }

  async start(path: string, format: string, action: string[]): Promise<ChildProcessWithoutNullStreams> {
    const child = spawn(TOOL, this.#arguments(path, format, action));
    await once(child, 'spawn');
    return child;
  }

  #arguments(path: string, format: string, action: string[]): string[] {
    return ['-C', this.#config, '-n', path, format, ...action];
  }

  /**
   * A writer in the middle of a transaction, that has answered everything so far: the changes are in the file, and its
   * lock is held.
   */
  async openTransaction(
    path: string,
    format: string,
    operations: readonly Operation[],
  ): Promise<ChildProcessWithoutNullStreams> {
    const child = await this.start(path, format, ['batch']);
    child.stdout.setEncoding('latin1');
    // The answer to the last line proves that the lines before it were carried out.
    child.stdin.write(`BEGIN\n${operations.map(line).join('')}GET ${MARKER}\n`, 'latin1');
    const [answer] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    assert.equal(typeof answer, 'string', 'cyr_dbtool ended in the middle of the batch');
    return child;
  }
}

/** The key whose value a batch shows back: it must have been set before. */
export const MARKER = 'marker';

export async function kill(child: ChildProcessWithoutNullStreams): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function line(operation: Operation): string {
  return 'set' in operation
    ? `SET ${literal(operation.set)} ${literal(operation.value)}\n`
    : `DELETE ${literal(operation.delete)}\n`;
}

/** Any octets, NUL and LF included. */
function literal(octets: string): string {
  return `{${octets.length}+}\r\n${octets}`;
}
