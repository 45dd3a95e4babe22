import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assertNothingLeft, assertSameMail, type Comparison } from './assert-same-mail.ts';
import type { Pair } from './cyrus-server.ts';
import type { RunningTool, ToolResult } from './processes.ts';
import { startSyncClient } from './sync-client.ts';
import { content, settled, until } from './until.ts';

/** Milliseconds: longer than any test of the suite. */
const LIFETIME = 600_000;

/** `-R` on a master, with its syslog in a file. */
export class RollingClient implements AsyncDisposable {
  readonly syslogFile: string;
  readonly #pair: Pick<Pair, 'master'>;
  readonly #args: readonly string[];
  readonly #environment: Record<string, string>;
  readonly #lifetime: number;
  #tool: RunningTool;

  constructor(
    pair: Pick<Pair, 'master'>,
    args: readonly string[] = [],
    environment: Record<string, string> = {},
    lifetime = LIFETIME,
  ) {
    this.#pair = pair;
    this.#args = args;
    this.syslogFile = join(pair.master.directory, `syslog-${process.hrtime.bigint()}`);
    this.#environment = environment;
    this.#lifetime = lifetime;
    this.#tool = this.#start();
  }

  get tool(): RunningTool {
    return this.#tool;
  }

  get log(): string {
    return content(this.syslogFile);
  }

  async waitForLog(wanted: RegExp): Promise<void> {
    await until(
      `log line ${wanted}`,
      () => wanted.test(this.log),
      () => this.log,
    );
  }

  /** Until what the log says is done and the connection is up. */
  async settled(channel?: string): Promise<void> {
    await settled(this.#pair.master, channel, () => this.log);
  }

  async kill(): Promise<void> {
    this.#tool.kill('SIGKILL');
    await this.#tool.result;
  }

  restart(): void {
    this.#tool = this.#start();
  }

  async stop(): Promise<ToolResult> {
    this.#tool.kill('SIGTERM');
    return await this.#tool.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #start(): RunningTool {
    return startSyncClient(this.#pair.master, ['-R', ...this.#args], {
      deadline: this.#lifetime,
      env: { CASSANDANE_SYSLOG_FNAME: this.syslogFile, ...this.#environment },
    });
  }
}

/** Both ends alike, and the C client agrees. */
export async function assertInStep(
  pair: Pair,
  users: readonly string[],
  comparison: Comparison = {},
): Promise<void> {
  await assertSameMail(pair.master, pair.replica, users, comparison);
  await assertNothingLeft(pair);
}

export function isWorking(file: string): boolean {
  return existsSync(`${file}-run`);
}
