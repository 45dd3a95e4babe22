import { loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { idleProcessorMeter } from '../src/native/idle-processor-meter.ts';
import { CyrusServer, replicaSettings } from '../test/lab/cyrus-server.ts';
import { DelayProxy } from '../test/lab/delay-proxy.ts';
import type { BenchCase } from './cases.ts';
import { changeOnePercent } from './change-one-percent.ts';
import { type Contender, commandLine, parseContender } from './contenders.ts';
import { dropPageCache } from './drop-page-cache.ts';
import { type Flush, flushOf } from './flush/flush.ts';
import { slowFlush } from './flush/slow-flush.ts';
import { measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { Scene } from './paired-rounds.ts';
import { processorSeconds } from './peak-memory.ts';
import {
  countMessages,
  cyrusTarget,
  directoryTarget,
  octetsOf,
  sandboxTarget,
  type Target,
} from './replicas.ts';
import type { Run } from './results.ts';
import type { Store } from './stores.ts';
import { Watcher } from './watcher.ts';

/** Milliseconds of quiet before a timed run, for what the last one left to the kernel. */
const SETTLE = 300;

/** Master and replicas of one case. */
export class CaseScene implements Scene<Run> {
  readonly #options: BenchOptions;
  readonly #bench: BenchCase;
  readonly #store: Store;
  readonly #master: CyrusServer;
  /** A copy of the replica before the changes, or of the one that is alike. */
  #base: CyrusServer | undefined;
  #messages: number;
  readonly #standing = new Map<'cyrus' | 'sandbox', Target>();
  readonly #aside: Target[] = [];

  private constructor(bench: BenchCase, store: Store, master: CyrusServer, options: BenchOptions) {
    this.#options = options;
    this.#bench = bench;
    this.#store = store;
    this.#master = master;
    this.#messages = store.messages;
  }

  static async open(bench: BenchCase, store: Store, options: BenchOptions): Promise<CaseScene> {
    const imapd = replicaSettings({ syncPort: 0 } as CyrusServer);
    const master = await CyrusServer.prepare('master', {
      store: store.directory,
      imapd,
      ...(bench.cold ? { directory: options.diskDirectory } : {}),
    });
    const scene = new CaseScene(bench, store, master, options);
    try {
      if (bench.replica !== 'empty' && !scene.#isShared) await scene.#prepareBase();
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
    return scene;
  }

  async run(name: string, roundTrip: number, round: number): Promise<Run> {
    const contender = parseContender(name);
    const options = this.#options;
    const isOfTheirs = contender.client === 'c' || contender.client === 'xargs';
    const hidesCompression = isOfTheirs && contender.compression === 'off';
    const target = await this.#target(contender);
    await using proxy =
      roundTrip > 0 || options.countAtZero || this.#bench.count === true || hidesCompression
        ? await DelayProxy.start({
            targetPort: target.port,
            roundTrip,
            rate: options.rate || (this.#bench.rate ?? 0),
            hideCompression: hidesCompression,
          })
        : undefined;
    if (target.port > 0) await this.#pointTo(proxy?.port ?? target.port);
    using watcher = contender.watched ? await Watcher.start(this.#master.directory) : undefined;
    const { command, input } = await commandLine(contender, this.#master.configFile, {
      users: this.#bench.oneUser ? this.#store.users.slice(0, 1) : this.#store.users,
      directory: this.#master.directory,
      profile: options.profile,
      spool: target.spool,
      before: options.before,
      watch: watcher,
      mode: this.#bench.oneUser ? '-u' : '-A',
    });
    if (this.#bench.cold) dropPageCache();
    await wait(SETTLE);
    target.listLocks?.reset();
    const [load = 0] = loadavg();
    const cpuBefore = processorSeconds(target.pid);
    const idle = idleProcessorMeter();
    const measured = await measure(command, {
      input,
      cwd: this.#master.directory,
      deadline: options.deadline,
      env: contender.client === 'rsync' ? slowFlush(this.#flush, options.workDirectory) : {},
    });
    const idleProcessors = idle();
    const cpu = processorSeconds(target.pid) - cpuBefore;
    const counts = await proxy?.counts();
    if (measured.code !== 0) {
      throw new Error(`${contender.name} exited ${measured.code}: ${command.join(' ')}\n${measured.stderr}`);
    }
    if (watcher?.answers === 0) throw new Error(`${contender.name} has answered nobody`);
    if (target.spool !== undefined && !this.#isShared) this.#check(contender, target.spool);
    const listLockedSeconds = target.listLocks?.seconds;
    const spoolOctets =
      this.#bench.countSpool && target.spool !== undefined ? octetsOf(target.spool) : undefined;
    if (this.#bench.replica !== 'same') await target.putAside();
    const { wall, user, system, peakRss } = measured;
    return {
      roundTrip,
      contender: contender.name,
      round,
      wall,
      user,
      system,
      peakRss,
      up: counts?.up ?? null,
      down: counts?.down ?? null,
      connections: counts?.connections ?? null,
      firstOctet: counts === undefined ? null : (counts.firstOctetAt - measured.startedAt) / 1000,
      serverCpu: cpu,
      idleProcessors,
      ...(counts === undefined ? {} : { linkCpu: counts.processorSeconds }),
      load,
      ...(spoolOctets === undefined ? {} : { spoolOctets }),
      ...(listLockedSeconds === undefined ? {} : { listLockedSeconds }),
    };
  }

  line({ wall, user, system, serverCpu, peakRss, up, listLockedSeconds }: Run): string {
    const wire = up === null ? '' : `, wire ${(up / 1e6).toFixed(1)} MB`;
    const locked =
      listLockedSeconds === undefined ? '' : `, mailboxes.db locked ${listLockedSeconds.toFixed(2)} s`;
    return (
      `${wall.toFixed(2)} s, CPU ${(user + system).toFixed(2)} s (replica ${serverCpu.toFixed(2)}), ` +
      `RSS ${Math.round(peakRss / 2 ** 20)} MiB${wire}${locked}`
    );
  }

  /** Deletes the replicas of a round. */
  async clearAway(): Promise<void> {
    for (const target of this.#aside.splice(0)) await target.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clearAway();
    for (const target of this.#standing.values()) await target.remove();
    await this.#base?.stop();
    await this.#master.stop();
  }

  /** A replica made by the C client; then the changes, if they are what the case is about. */
  async #prepareBase(): Promise<void> {
    this.#base = await CyrusServer.start('base');
    await this.#pointTo(this.#base.syncPort);
    await this.#master.runOk('sync_client', ['-o', '-A'], { deadline: 3_600_000 });
    await this.#base.halt();
    if (this.#bench.replica !== 'before-changes') return;
    await this.#master.start();
    this.#messages += await changeOnePercent(this.#master, this.#store);
    await this.#master.halt();
  }

  async #target(contender: Contender): Promise<Target> {
    const { replica } = this.#bench;
    if (replica !== 'same') {
      const store = replica === 'empty' ? undefined : this.#base?.directory;
      const target = contender.sandbox
        ? await sandboxTarget()
        : contender.client === 'rsync'
          ? await directoryTarget(this.#flush, this.#options)
          : await cyrusTarget(store, this.#flush, this.#options);
      // From here on it is ended and deleted whatever becomes of the run.
      this.#aside.push(target);
      return target;
    }
    const kind = contender.sandbox ? 'sandbox' : 'cyrus';
    let standing = this.#standing.get(kind);
    if (standing === undefined) {
      standing = contender.sandbox
        ? await sandboxTarget()
        : await cyrusTarget(
            this.#isShared ? this.#store.directory : this.#base?.directory,
            this.#flush,
            this.#options,
          );
      this.#standing.set(kind, standing);
      if (contender.sandbox) await this.#copyTo(standing);
    }
    return standing;
  }

  get #flush(): Flush {
    return flushOf(this.#bench.id);
  }

  /** Master and replica have the very same files, which need neither be copied before nor counted afterwards. */
  get #isShared(): boolean {
    return this.#store.shared === true && this.#bench.replica === 'same';
  }

  async #copyTo(target: Target): Promise<void> {
    await this.#pointTo(target.port);
    const ours = parseContender('ours');
    const { directory, configFile } = this.#master;
    const { command } = await commandLine(ours, configFile, { users: this.#store.users, directory });
    const copied = await measure(command, { cwd: directory, deadline: 3_600_000 });
    if (copied.code !== 0) throw new Error(`the copy to the sandbox failed: ${copied.stderr}`);
  }

  async #pointTo(port: number): Promise<void> {
    this.#master.configure('sync_port', String(port));
    await this.#master.writeConfiguration();
  }

  #check(contender: Contender, spool: string): void {
    const found = countMessages(spool);
    if (found === this.#messages) return;
    throw new Error(
      `${contender.name} ended well, but the replica has ${found} messages of ${this.#messages}`,
    );
  }
}
