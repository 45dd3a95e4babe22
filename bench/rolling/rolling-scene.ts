import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { syncLogPath } from '../../src/rolling/log/sync-log.ts';
import { CyrusServer, replicaSettings } from '../../test/lab/cyrus-server.ts';
import { DelayProxy } from '../../test/lab/delay-proxy.ts';
import { commandLine, parseContender } from '../contenders.ts';
import type { Flush } from '../flush/flush.ts';
import type { BenchOptions } from '../options.ts';
import type { Scene } from '../paired-rounds.ts';
import { processorSeconds } from '../peak-memory.ts';
import { countMessages, cyrusTarget, type Target } from '../replicas.ts';
import { percentile } from '../statistics.ts';
import type { Store } from '../stores.ts';
import { Load } from './load.ts';
import type { SettleReport, StreamReport } from './load-messages.ts';
import { RollingClient } from './rolling-client.ts';
import type { RollingRun } from './rolling-results.ts';
import type { RollingWork } from './rolling-work.ts';
import { searchRate } from './search-rate.ts';
import { watchedMailboxes } from './watched-mailboxes.ts';

/** Cyrus writes this channel's log in the drain case, and no client reads it. */
const HELD_CHANNEL = 'held';
/** Milliseconds for a warm-up, or a drain, or what is left after the load, to be done. */
const PATIENCE = { drain: 300_000, stream: 20_000, search: 120_000 };
/** Changes a second that are tried first, and the age of the oldest change not there, in seconds, from which on lag has grown. */
const FIRST_RATE = 40;
const GROWN_LAG = 1;
/** Milliseconds of quiet before a timed run. */
const SETTLE = 300;

/** One master and one replica for all runs of a case: they are alike at the end of each, and so before the next. */
export class RollingScene implements Scene<RollingRun> {
  readonly #work: RollingWork;
  readonly #options: BenchOptions;
  readonly #store: Store;
  readonly #master: CyrusServer;
  readonly #replica: Target;
  readonly #load: Load;

  private constructor(
    { work, options, store }: { work: RollingWork; options: BenchOptions; store: Store },
    master: CyrusServer,
    replica: Target,
    load: Load,
  ) {
    this.#work = work;
    this.#options = options;
    this.#store = store;
    this.#master = master;
    this.#replica = replica;
    this.#load = load;
  }

  static async open(
    work: RollingWork,
    store: Store,
    flush: Flush,
    options: BenchOptions,
  ): Promise<RollingScene> {
    const isHeld = work.kind === 'drain';
    const imapd = {
      ...replicaSettings({ syncPort: 0 } as CyrusServer),
      sync_log: 'yes',
      // The shortest that there is, for both.
      sync_repeat_interval: '0',
      ...(isHeld ? { sync_log_channels: HELD_CHANNEL } : {}),
    };
    const master = await CyrusServer.start('master', { store: store.directory, imapd });
    const replica = await cyrusTarget(undefined, flush, options);
    await pointTo(master, replica.port);
    await master.runOk('sync_client', ['-A']);
    const { configDirectory, imapPort } = master;
    const load = await Load.start({
      imapPort,
      mailboxes: await watchedMailboxes(master, replica.spool ?? '', store.users),
      log: syncLogPath(configDirectory, undefined),
      held: isHeld ? syncLogPath(configDirectory, HELD_CHANNEL) : undefined,
    });
    return new RollingScene({ work, options, store }, master, replica, load);
  }

  async run(name: string, roundTrip: number, round: number): Promise<RollingRun> {
    const master = this.#master;
    const contender = parseContender(name);
    await using proxy =
      roundTrip > 0
        ? await DelayProxy.start({
            targetPort: this.#replica.port,
            roundTrip,
            rate: this.#options.rate,
            hideCompression: contender.compression === 'off',
          })
        : undefined;
    await pointTo(master, proxy?.port ?? this.#replica.port);
    const { configFile, directory } = master;
    const { profile, before: build } = this.#options;
    const { command } = await commandLine(contender, configFile, {
      users: this.#store.users,
      directory,
      profile,
      before: build,
      mode: '-R',
    });
    await using client = new RollingClient(command, directory);
    await this.#warmUp();
    await wait(SETTLE);
    const [load = 0] = loadavg();
    const cpu = client.processorSeconds;
    const serverCpu = processorSeconds(this.#replica.pid);
    const before = await proxy?.counts();
    const { streamed, settled, sustained } = await this.#do();
    const after = await proxy?.counts();
    const run: RollingRun = {
      roundTrip,
      contender: name,
      round,
      drained: settled.drained,
      changes: settled.lags.length,
      achieved: streamed?.achieved ?? null,
      ...(sustained === undefined ? {} : { sustained }),
      p50: percentile(settled.lags, 50),
      p99: percentile(settled.lags, 99),
      most: percentile(settled.lags, 100),
      behind: streamed?.behind ?? 0,
      lag: streamed?.lag ?? 0,
      missing: settled.missing,
      failures: client.troubles.length,
      cpu: client.processorSeconds - cpu,
      serverCpu: processorSeconds(this.#replica.pid) - serverCpu,
      peakRss: client.peakMemory,
      up: after && before ? after.up - before.up : null,
      down: after && before ? after.down - before.down : null,
      load,
    };
    await client.stop();
    if (run.failures > 0) throw new Error(`${name} reported trouble:\n${client.troubles.join('\n')}`);
    if (settled.drained === null) await this.#catchUp();
    this.#check(name);
    return run;
  }

  line({ changes, drained, achieved, sustained, p50, p99, missing, cpu, peakRss }: RollingRun): string {
    if (sustained !== undefined) return `keeps up with ${sustained.toFixed(1)} changes a second`;
    const rate = achieved === null ? '' : ` made at ${achieved.toFixed(1)}/s`;
    const end = drained === null ? `${missing} missing when stopped` : `drained in ${drained.toFixed(2)} s`;
    return (
      `${changes} changes${rate}, ${end}, lag p50 ${p50.toFixed(3)} p99 ${p99.toFixed(3)} s, ` +
      `CPU ${cpu.toFixed(2)} s, RSS ${Math.round(peakRss / 2 ** 20)} MiB`
    );
  }

  async clearAway(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load[Symbol.asyncDispose]();
    await this.#replica.remove();
    await this.#master.stop();
  }

  /** One change for each user: code, connections and caches are as they are in a daemon that has been running. */
  async #warmUp(): Promise<void> {
    await this.#load.change(this.#store.users.length);
    if (this.#work.kind === 'drain') await this.#load.release();
    const { drained, missing } = await this.#load.settle(PATIENCE.drain);
    if (drained === null) throw new Error(`the client left ${missing} changes before the measured ones`);
  }

  async #do(): Promise<{
    streamed: StreamReport | undefined;
    settled: SettleReport;
    sustained?: number;
  }> {
    const work = this.#work;
    if (work.kind === 'search') return await this.#search(work.seconds);
    if (work.kind === 'stream') {
      const streamed = await this.#load.stream(work.perSecond, work.seconds);
      return { streamed, settled: await this.#load.settle(PATIENCE.stream) };
    }
    await this.#load.change(work.mailboxes);
    await this.#load.release();
    return { streamed: undefined, settled: await this.#load.settle(PATIENCE.drain) };
  }

  async #search(
    seconds: number,
  ): Promise<{ streamed: StreamReport; settled: SettleReport; sustained: number }> {
    let last: { streamed: StreamReport; settled: SettleReport } | undefined;
    const sustained = await searchRate(FIRST_RATE, async (rate) => {
      const streamed = await this.#load.stream(rate, seconds);
      const settled = await this.#load.settle(PATIENCE.search);
      last = { streamed, settled };
      return { keptUp: settled.drained !== null && streamed.lag < GROWN_LAG, achieved: streamed.achieved };
    });
    if (last === undefined) throw new Error('no rate was tried');
    return { ...last, sustained };
  }

  /** Without delay, so that the next run begins with ends that are alike. */
  async #catchUp(): Promise<void> {
    await pointTo(this.#master, this.#replica.port);
    await this.#master.runOk('sync_client', ['-A']);
    const log = syncLogPath(this.#master.configDirectory, undefined);
    for (const file of [log, `${log}-run`]) rmSync(file, { force: true });
  }

  #check(name: string): void {
    const here = countMessages(join(this.#master.directory, 'spool'));
    const there = countMessages(this.#replica.spool ?? '');
    if (here !== there) throw new Error(`after ${name} the replica has ${there} messages of ${here}`);
  }
}

async function pointTo(master: CyrusServer, port: number): Promise<void> {
  master.configure('sync_port', String(port));
  await master.writeConfiguration();
}
