import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import type { RunningTool, ToolResult } from '../../lab/processes.ts';
import { type ProxyPolicy, type Relay, ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { startSyncClient } from '../../lab/sync-client.ts';
import { until } from '../../lab/until.ts';

/*
 * All processes of the replica are stopped (SIGSTOP), as on a host that swaps, hangs on its disk or is moved to another: the kernel
 * goes on taking connections and octets, and nobody answers. Nothing has failed by that, so whoever waits is served once they
 * go on (SIGCONT).
 */

/** The command at which it is stopped, and the words of a run that has waited long enough. */
const COMMANDS = {
  'it logs in': ['AUTHENTICATE', /retrying in \d+ seconds/],
  'it copies': ['APPLY MESSAGE', /LINK_TIMEOUT/],
} as const;
/** Seconds; the least that count, so that the run notices. */
const SOON = { client_timeout: '1s', sync_timeout: '3s' };

/** Stops the replica when a command reaches it for the first time; the command arrives. */
class StopsAt implements ProxyPolicy {
  readonly #command: string;
  readonly #stop: () => Disposable;
  #stopped: Disposable | undefined;
  #before = '';

  constructor(command: string, stop: () => Disposable) {
    this.#command = command;
    this.#stop = stop;
  }

  get hasStopped(): boolean {
    return this.#stopped !== undefined;
  }

  goOn(): void {
    this.#stopped?.[Symbol.dispose]();
  }

  toServer(): Relay {
    return (chunk, { pass }) => {
      const text = this.#before + chunk.toString('latin1');
      if (text.includes(this.#command)) this.#stopped ??= this.#stop();
      this.#before = text.slice(-this.#command.length);
      pass(chunk);
    };
  }
}

/** @param during what happens while the replica is stopped; it goes on after that */
async function runThrough(
  command: string,
  settings: Readonly<Record<string, string>>,
  during: (run: RunningTool, isStopped: () => boolean) => Promise<void>,
): Promise<ToolResult> {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 6 });
  const policy = new StopsAt(command, () => pair.replica.suspend());
  const result = await over(policy, pair, settings, during);
  assert.equal(result.code, 0, result.stderr);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
  return result;
}

async function over(
  policy: StopsAt,
  { master, replica }: Pair,
  settings: Readonly<Record<string, string>>,
  during: (run: RunningTool, isStopped: () => boolean) => Promise<void>,
): Promise<ToolResult> {
  await using proxy = await ScriptedProxy.start(replica.syncPort, policy);
  await configured(master, { ...settings, sync_port: String(proxy.port) });
  const run = startSyncClient(master, ['-A', '--log-to-stderr']);
  try {
    await during(run, () => policy.hasStopped);
  } finally {
    policy.goOn();
  }
  const result = await run.result;
  assert.ok(policy.hasStopped, 'the replica was stopped');
  // The C client comes next, and is to wait as long as it does by itself.
  for (const key of Object.keys(settings)) master.configure(key, undefined);
  await configured(master, { sync_port: String(replica.syncPort) });
  return result;
}

async function configured(server: CyrusServer, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(settings)) server.configure(key, value);
  await server.writeConfiguration();
}

for (const [when, [command, silence]] of Object.entries(COMMANDS)) {
  test(`a replica that is stopped while ${when}, for longer than the run listens to silence, is tried again and gets everything`, async () => {
    const { stderr } = await runThrough(command, SOON, async (run, isStopped) => {
      await until('the replica is stopped', isStopped);
      // On a busy machine a connection may have been slow before.
      let before: number | undefined;
      await run.waitForOutput((_, said) => {
        before ??= said.length;
        return silence.test(said.slice(before));
      });
    });
    assert.doesNotMatch(stderr, /replication failed|bailing out/);
  });

  test(`a replica that is stopped while ${when}, for no longer than that, is waited for`, async () => {
    const { stderr } = await runThrough(command, { client_timeout: '10m' }, async (run, isStopped) => {
      await until('the replica is stopped', isStopped);
      run.kill('SIGUSR1');
      await run.waitForOutput((_, said) => said.includes('status: state='));
    });
    assert.doesNotMatch(stderr, /lost:|will try|retrying in|next try in|replication failed/);
  });
}
