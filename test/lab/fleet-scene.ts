import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetView } from '../../src/fleet/state/fleet-view.ts';
import { CyrusServer, giveToCyrus, replicaSettings } from './cyrus-server.ts';
import { append, mailboxOf, ownName } from './populate.ts';
import { type RunningTool, runAs, startAs, type ToolResult } from './processes.ts';
import { type ProxyPolicy, ScriptedProxy } from './scripted-proxy.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'cyrus-sync.cjs');
/** Milliseconds: more than any step takes on a slow machine. */
const DEADLINE = 180_000;
/** An agent works as long as its test lasts. */
const AGENT_DEADLINE = 900_000;

export interface FleetOptions {
  masters?: number;
  replicas?: number;
  /** Each master has so many. */
  users?: number;
  /** Address of the queue; left out: a directory of its own. */
  queue?: string;
  /** Gives users mail, in place of a few small messages. */
  fill?: (server: CyrusServer, users: readonly string[]) => Promise<void>;
  /** Lines of each [master NAME]. */
  master?: readonly string[];
  /** Lines of each [replica NAME]. */
  replica?: readonly string[];
  /** Stands between agents and each replica. */
  policy?: ProxyPolicy;
  /** Lines at the top of the inventory. */
  top?: readonly string[];
}

/** Real masters with users, real empty replicas, an inventory of them, and the steps of a fleet as processes. */
export class FleetScene implements AsyncDisposable {
  readonly directory: string;
  readonly masters: readonly CyrusServer[];
  readonly replicas: readonly CyrusServer[];
  /** By the name of the master. */
  readonly users: ReadonlyMap<string, readonly string[]>;
  readonly queue: string;
  readonly #agents: RunningTool[] = [];
  readonly #proxies: ScriptedProxy[] = [];

  private constructor(
    directory: string,
    masters: readonly CyrusServer[],
    replicas: readonly CyrusServer[],
    users: ReadonlyMap<string, readonly string[]>,
    queue: string,
  ) {
    this.directory = directory;
    this.masters = masters;
    this.replicas = replicas;
    this.users = users;
    this.queue = queue;
  }

  static async start(options: FleetOptions = {}): Promise<FleetScene> {
    const { masters: masterCount = 2, replicas: replicaCount = 2, users: userCount = 4 } = options;
    const directory = await mkdtemp(join(tmpdir(), 'fleet-'));
    await chmod(directory, 0o755);
    const names = (letter: string, count: number) =>
      Array.from({ length: count }, (_, at) => `${letter}${at + 1}`);
    const replicas = await Promise.all(names('r', replicaCount).map((name) => CyrusServer.start(name)));
    const [first] = replicas;
    const imapd = first ? replicaSettings(first) : {};
    const masters = await Promise.all(
      names('m', masterCount).map((name) => CyrusServer.start(name, { imapd })),
    );
    const users = new Map<string, string[]>();
    for (const master of masters) {
      const ofMaster = Array.from({ length: userCount }, (_, at) => `${master.name}user${at + 1}`);
      users.set(master.name, ofMaster);
      await (options.fill ?? fill)(master, ofMaster);
    }
    giveToCyrus(directory);
    const scene = new FleetScene(
      directory,
      masters,
      replicas,
      users,
      options.queue ?? join(directory, 'queue'),
    );
    await scene.#writeInventory(options);
    return scene;
  }

  get inventory(): string {
    return join(this.directory, 'fleet.ini');
  }

  get plan(): string {
    return join(this.directory, 'plan.json');
  }

  get allUsers(): string[] {
    return [...this.users.values()].flat();
  }

  /** One step, as Cyrus's user. */
  async step(...words: readonly string[]): Promise<ToolResult> {
    const [step = '', ...args] = words;
    return await runAs([process.execPath, ENTRY, 'fleet', step, '--queue', this.queue, ...args], {
      cwd: this.directory,
      deadline: DEADLINE,
    });
  }

  /** A step that must succeed. */
  async ok(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.step(...words);
    if (code !== 0) throw new Error(`fleet ${words.join(' ')} exited ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Plans by the inventory, and puts the plan on the queue. */
  async start(): Promise<void> {
    await writeFile(this.plan, await this.ok('plan', this.inventory, '--json'));
    await this.ok('start', this.plan);
  }

  /** Puts the plan on the queue, unless it is killed meanwhile. */
  starter(): RunningTool {
    const command = [process.execPath, ENTRY, 'fleet', 'start', '--queue', this.queue, this.plan];
    const starter = startAs(command, { cwd: this.directory, deadline: DEADLINE });
    starter.endInput();
    return starter;
  }

  async view(): Promise<FleetView> {
    const { stdout, stderr, code } = await this.step('status', '--json');
    if (stdout === '') throw new Error(`fleet status exited ${code}\n${stderr}`);
    return JSON.parse(stdout);
  }

  /** @param master whose files it reads; undefined: it reads the servers of all */
  agent(master: CyrusServer | undefined, ...args: readonly string[]): RunningTool {
    const reads = master
      ? ['-C', master.configFile, '--master', master.name]
      : ['-C', join(this.directory, 'mover.conf')];
    const command = [process.execPath, ENTRY, 'fleet', 'agent', '--queue', this.queue, ...reads, ...args];
    const agent = startAs(command, { cwd: master?.directory ?? this.directory, deadline: AGENT_DEADLINE });
    agent.endInput();
    this.#agents.push(agent);
    return agent;
  }

  replicaOf(name: string): CyrusServer {
    const server = this.replicas.find((one) => one.name === name);
    if (server === undefined) throw new Error(`no replica ${name}`);
    return server;
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) agent.kill('SIGKILL');
    await Promise.allSettled(this.#agents.map(({ result }) => result));
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
    await Promise.all([...this.masters, ...this.replicas].map((server) => server.stop()));
    await rm(this.directory, { recursive: true, maxRetries: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #writeInventory({
    master: ofMaster = [],
    replica = [],
    top = [],
    policy,
  }: FleetOptions): Promise<void> {
    const lines = [...top];
    for (const master of this.masters) {
      const list = join(this.directory, `${master.name}.users`);
      await writeFile(list, await this.#sizesOf(master));
      lines.push(
        `[master ${master.name}]`,
        `server = 127.0.0.1:${master.imapPort}`,
        `users = ${master.name}.users`,
        ...ofMaster,
      );
    }
    for (const { name, syncPort } of this.replicas) {
      const proxy = policy && (await ScriptedProxy.start(syncPort, policy));
      if (proxy) this.#proxies.push(proxy);
      lines.push(`[replica ${name}]`, `server = 127.0.0.1:${proxy?.port ?? syncPort}`, ...replica);
    }
    const names = this.replicas.map(({ name }) => name).join(', ');
    lines.push('[wave pilot]', 'match = *user1', `replicas = ${names}`, 'by = hash');
    lines.push('[wave rest]', `replicas = ${names}`);
    await writeFile(this.inventory, `${lines.join('\n')}\n`);
    // A mover has logins and no mail.
    const conf = (await readFile(this.masters[0]?.configFile ?? '', 'utf8'))
      .split('\n')
      .filter((line) => !/^(?:meta|archive)?partition-|^defaultpartition/.test(line));
    await writeFile(join(this.directory, 'mover.conf'), conf.join('\n'));
    giveToCyrus(this.directory);
  }

  async #sizesOf(master: CyrusServer): Promise<string> {
    return await this.ok('sizes', '-C', master.configFile);
  }
}

async function fill(server: CyrusServer, users: readonly string[]): Promise<void> {
  await using admin = await server.imap();
  for (const user of users) {
    for (const folder of [[], ['Sent']]) await admin.ok(`CREATE "${mailboxOf(server, user, folder)}"`);
  }
  for (const [at, user] of users.entries()) {
    await using client = await server.imap(user);
    await append(client, ownName(server, []), 3 + at, `${user} in`, user);
    await append(client, ownName(server, ['Sent']), 2, `${user} out`, user);
  }
}
