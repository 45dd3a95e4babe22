import { chmod, mkdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CyrusServer, giveToCyrus, replicaSettings } from '../test/support/cyrus-server.ts';
import { type BenchCase, ROUND_TRIPS } from './cases.ts';
import { changeOnePercent } from './changes.ts';
import { type Contender, commandLine, parseContender } from './contenders.ts';
import { describeMachine } from './machine.ts';
import { measure } from './measure.ts';
import { type BenchOptions, PROJECT } from './options.ts';
import { ping } from './ping.ts';
import { processorSeconds } from './process-tree.ts';
import { DelayProxy } from './proxy.ts';
import { countMessages, cyrusTarget, sandboxTarget, type Target } from './replicas.ts';
import { codeDigest, ResultFile, type Run } from './results.ts';
import { masterStore, type Store } from './stores.ts';

/** Milliseconds of quiet before a timed run, for what the last one left to the kernel. */
const SETTLE = 300;

/** Paired runs of each contender. */
const ROUNDS = { small: 2, full: 3 };

type Say = (text: string) => void;

/** Runs what of a case has no results yet. */
export async function runCase(bench: BenchCase, options: BenchOptions, say: Say): Promise<void> {
  await mkdir(options.workDirectory, { recursive: true });
  await chmod(options.workDirectory, 0o755);
  if (options.profile !== undefined) {
    await mkdir(options.profile, { recursive: true });
    giveToCyrus(options.profile);
  }
  // Where the servers of the test support make their stores.
  process.env.TMPDIR = options.workDirectory;
  const store = await masterStore(bench.store(options), options.workDirectory, say);
  const file = new ResultFile(
    options.resultsDirectory,
    {
      case: bench.id,
      title: bench.title,
      machine: describeMachine(options.workDirectory),
      code: codeDigest(join(PROJECT, 'dist')),
      work: {
        users: store.users.length,
        mailboxes: store.mailboxes,
        messages: store.messages,
        octets: store.octets,
        rate: options.rate,
      },
      pings: [],
      runs: [],
    },
    options.fresh,
  );
  const names = options.contenders ?? (options.full ? bench.contenders.full : bench.contenders.small);
  const contenders = names.map(parseContender);
  const usual = options.full ? ROUND_TRIPS.full : ROUND_TRIPS.small;
  const roundTrips = options.roundTrips ?? bench.roundTrips ?? usual;
  const rounds = options.rounds ?? (options.full ? ROUNDS.full : ROUNDS.small);
  const missing = roundTrips.some((roundTrip) =>
    contenders.some(({ name }) =>
      Array.from({ length: rounds }, (_, i) => i).some((round) => !file.has(roundTrip, name, round)),
    ),
  );
  if (!missing) {
    say(`case ${bench.id}: all runs are there already`);
    return;
  }
  say(`case ${bench.id}: ${bench.title}`);
  await using stage = await CaseStage.open(bench, store);
  for (const roundTrip of roundTrips) {
    if (roundTrip > 0) {
      const pinged = await ping(roundTrip, false);
      file.addPing(pinged);
      say(`  round trip asked ${roundTrip} ms, measured ${pinged.median.toFixed(1)} ms`);
    }
    for (let round = 0; round < rounds; round++) {
      // Every second round runs backwards, so that neither side always has the warmer caches.
      const order = round % 2 === 0 ? contenders : contenders.toReversed();
      for (const contender of order) {
        if (file.has(roundTrip, contender.name, round)) continue;
        const run = await stage.run(contender, roundTrip, round, options);
        if (options.profile === undefined) file.add(run);
        say(`  ${line(run)}`);
      }
      await stage.clearAway();
    }
  }
}

function line(run: Run): string {
  const wire = run.up === null ? '' : `, wire ${(run.up / 1e6).toFixed(1)} MB`;
  return (
    `${String(run.roundTrip).padStart(3)} ms ${run.contender.padEnd(14)} ${run.wall.toFixed(2)} s, ` +
    `CPU ${(run.user + run.system).toFixed(2)} s (replica ${run.serverCpu.toFixed(2)}), ` +
    `RSS ${Math.round(run.peakRss / 2 ** 20)} MiB${wire}`
  );
}

/** Master and replicas of one case. */
class CaseStage implements AsyncDisposable {
  readonly #bench: BenchCase;
  readonly #store: Store;
  readonly #master: CyrusServer;
  /** Of the replica before the changes, or of the one that is alike. */
  #base: CyrusServer | undefined;
  #messages: number;
  readonly #standing = new Map<'cyrus' | 'sandbox', Target>();
  readonly #aside: Target[] = [];

  private constructor(bench: BenchCase, store: Store, master: CyrusServer) {
    this.#bench = bench;
    this.#store = store;
    this.#master = master;
    this.#messages = store.messages;
  }

  static async open(bench: BenchCase, store: Store): Promise<CaseStage> {
    const imapd = replicaSettings({ syncPort: 0 } as CyrusServer);
    const master = await CyrusServer.prepare('master', { store: store.directory, imapd });
    const stage = new CaseStage(bench, store, master);
    try {
      if (bench.replica !== 'empty') await stage.#prepareBase();
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  async run(contender: Contender, roundTrip: number, round: number, options: BenchOptions): Promise<Run> {
    const target = await this.#target(contender);
    await using proxy =
      roundTrip > 0 || options.countAtZero || (contender.client !== 'ours' && contender.compression === 'off')
        ? await DelayProxy.start({
            targetPort: target.port,
            roundTrip,
            rate: options.rate,
            hideCompression: contender.client !== 'ours' && contender.compression === 'off',
          })
        : undefined;
    await this.#pointTo(proxy?.port ?? target.port);
    const { command, input } = await commandLine(
      contender,
      this.#master.configFile,
      this.#store.users,
      this.#master.directory,
      options.profile,
    );
    await wait(SETTLE);
    const [load = 0] = loadavg();
    const cpuBefore = processorSeconds(target.pid);
    const measured = await measure(command, {
      input,
      cwd: this.#master.directory,
      deadline: options.deadline,
    });
    const cpu = processorSeconds(target.pid) - cpuBefore;
    const counts = await proxy?.counts();
    if (measured.code !== 0) {
      throw new Error(`${contender.name} exited ${measured.code}: ${command.join(' ')}\n${measured.stderr}`);
    }
    if (target.spool !== undefined) this.#check(contender, target.spool);
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
      load,
    };
  }

  /** Deletes the replicas of a round, between timed runs. */
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
      const target = contender.sandbox ? await sandboxTarget() : await cyrusTarget(store);
      // From here on it is ended and deleted whatever becomes of the run.
      this.#aside.push(target);
      return target;
    }
    const kind = contender.sandbox ? 'sandbox' : 'cyrus';
    let standing = this.#standing.get(kind);
    if (standing === undefined) {
      standing = contender.sandbox ? await sandboxTarget() : await cyrusTarget(this.#base?.directory);
      this.#standing.set(kind, standing);
      if (contender.sandbox) await this.#copyTo(standing);
    }
    return standing;
  }

  async #copyTo(target: Target): Promise<void> {
    await this.#pointTo(target.port);
    const ours = parseContender('ours');
    const { directory, configFile } = this.#master;
    const { command } = await commandLine(ours, configFile, this.#store.users, directory);
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
