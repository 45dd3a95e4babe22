import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CyrusPrograms, PROGRAMS } from './cyrus-programs.ts';
import { canListen, freePorts } from './free-ports.ts';
import { ImapClient } from './imap-client.ts';
import { cyrusIdentity, type RunOptions, runAs, runProcess, type ToolResult } from './processes.ts';

/**
 * Real Cyrus servers on loopback for tests (design, section 7). Everything runs as `cyrus:mail`, in a temporary
 * directory with a fixed layout, so that a stopped store can be copied and started again under another server:
 *
 *   DIR/imapd.conf  DIR/cyrus.conf  DIR/sasldb2     written afresh for each server
 *   DIR/conf        DIR/spool/PARTITION  DIR/meta/PARTITION  DIR/archive/PARTITION     the store
 */
/** Milliseconds for the ports of a new server to answer; it takes well under a second on an idle machine. */
const START_DEADLINE = 120_000;
/** Milliseconds that `master` gets to leave by itself before its process group is killed. */
const STOP_DEADLINE = 30_000;

/** Octets free in memory before stores are made there; the largest pair of the tests takes a tenth. */
const MEMORY_FREE = 4 * 2 ** 30;

export const ADMIN = 'admin';
export const PASSWORD = 'test-secret';

export interface ServerOptions {
  /** imapd.conf options that replace or extend the defaults; `undefined` removes a default. */
  imapd?: Record<string, string | undefined>;
  /** Further raw lines at the end of imapd.conf. */
  extraLines?: readonly string[];
  /** Partition names; the first is the default partition. */
  partitions?: readonly string[];
  /** Give each partition a meta directory and put these files there (`metapartition_files`). */
  metapartitionFiles?: string;
  /** Give each partition an archive directory and set `archive_enabled`. */
  archive?: boolean;
  /** Serve calendars and address books, where the programs have `httpd`. */
  calendars?: boolean;
  /** `sync_server` processes at a time (`maxchild`); default: any number. */
  syncProcesses?: number;
  /** Added to the environment of `master`, and so of its services. */
  environment?: Readonly<Record<string, string>>;
  /** Where the server's own directory is made; default: where all are. */
  directory?: string;
  /** Another Cyrus than that of the whole run. */
  programs?: CyrusPrograms;
  /** Directory of a *stopped* server (or an unpacked fixture) whose store is copied before the start. */
  store?: string;
}

export interface Pair extends AsyncDisposable {
  master: CyrusServer;
  replica: CyrusServer;
  stop(): Promise<void>;
}

const running = new Set<CyrusServer>();
let exitHookInstalled = false;

/** Sections of cyrus.conf, besides the services. */
type Section = 'START' | 'EVENTS' | 'DAEMON';

export class CyrusServer implements AsyncDisposable {
  readonly name: string;
  readonly programs: CyrusPrograms;
  readonly directory: string;
  readonly partitions: Readonly<Record<string, string>>;
  readonly imapPort: number;
  readonly syncPort: number;
  readonly sievePort: number;
  /** Answers where the server has calendars. */
  readonly httpPort: number;
  readonly hasHttpd: boolean;
  #settings = new Map<string, string>();
  #extraLines: string[];
  readonly #syncLimit: string;
  readonly #hasForeignStore: boolean;
  readonly #entries: Record<Section, string[]> = { START: [], DAEMON: [], EVENTS: [] };
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;
  #serverOutput = '';

  private constructor(name: string, directory: string, ports: readonly number[], options: ServerOptions) {
    this.name = name;
    this.directory = directory;
    [this.imapPort = 0, this.syncPort = 0, this.sievePort = 0, this.httpPort = 0] = ports;
    const names = options.partitions ?? ['default'];
    this.partitions = Object.fromEntries(names.map((each) => [each, join(directory, 'spool', each)]));
    this.#extraLines = [...(options.extraLines ?? [])];
    this.#syncLimit = options.syncProcesses === undefined ? '' : ` maxchild=${options.syncProcesses}`;
    this.#environment = options.environment ?? {};
    this.#hasForeignStore = options.store !== undefined;
    this.programs = options.programs ?? PROGRAMS;
    this.hasHttpd = options.calendars === true && this.programs.haveHttpd;
    this.#defaults(names, options);
    for (const [key, value] of Object.entries(options.imapd ?? {})) this.configure(key, value);
  }

  /** A new server, started and answering. Stop it with `stop()` or `await using`. */
  static async start(name: string, options: ServerOptions = {}): Promise<CyrusServer> {
    const server = await CyrusServer.prepare(name, options);
    try {
      await server.start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Directories, password and configuration of a server that is not started yet. */
  static async prepare(name: string, options: ServerOptions = {}): Promise<CyrusServer> {
    requireCyrus(options.programs);
    const directory = await mkdtemp(join(options.directory ?? storeRoot(), `cyrus-${name}-`));
    await chmod(directory, 0o755);
    const server = new CyrusServer(name, directory, await freePorts(4), options);
    watchExit(server);
    for (const each of ['spool', 'meta', 'archive']) await mkdir(join(directory, each));
    if (options.store !== undefined) copyStore(options.store, directory);
    for (const each of [
      'db',
      'socket',
      'proc',
      'log',
      'lock',
      'msg',
      'ptclient',
      'quota',
      'user',
      'sieve',
      'sync',
    ]) {
      await mkdir(join(server.configDirectory, each), { recursive: true });
    }
    for (const partition of Object.keys(server.partitions)) {
      for (const each of ['spool', 'meta', 'archive']) {
        await mkdir(join(directory, each, partition), { recursive: true });
      }
    }
    await server.writeConfiguration();
    await server.#makePassword();
    giveToCyrus(directory);
    return server;
  }

  get configFile(): string {
    return join(this.directory, 'imapd.conf');
  }

  get configDirectory(): string {
    return join(this.directory, 'conf');
  }

  /** Output of `master` and its services on stdout and stderr, for messages of failing tests. */
  get output(): string {
    return this.#serverOutput;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** The value in imapd.conf, or undefined. */
  setting(key: string): string | undefined {
    return this.#settings.get(key);
  }

  /** Changes one option in memory; takes effect for tools after `writeConfiguration()`, for services after a restart. */
  configure(key: string, value: string | undefined): void {
    if (value === undefined) this.#settings.delete(key);
    else this.#settings.set(key, value);
  }

  /** An entry for cyrus.conf, from the next `writeConfiguration()` and start on. */
  addEntry(section: Section, entry: string): void {
    this.#entries[section].push(`  ${entry}`);
  }

  async writeConfiguration(): Promise<void> {
    const lines = [...this.#settings].map(([key, value]) => `${key}: ${value}`);
    await writeFile(this.configFile, `${[...lines, ...this.#extraLines].join('\n')}\n`, { mode: 0o640 });
    const service = (name: string, program: string, port: number) =>
      `  ${name} cmd="${this.programs.path(program)} -C ${this.configFile}" listen="127.0.0.1:${port}" prefork=0`;
    const lmtp = `  lmtpunix cmd="${this.programs.path('lmtpd')} -C ${this.configFile} -a" listen="${this.lmtpSocket}"`;
    const services = [
      service('imap', 'imapd', this.imapPort),
      `${service('csync', 'sync_server', this.syncPort)}${this.#syncLimit}`,
      service('sieve', 'timsieved', this.sievePort),
      `${lmtp} prefork=0`,
      ...(this.hasHttpd ? [service('http', 'httpd', this.httpPort)] : []),
      `  csyncunix cmd="${this.programs.path('sync_server')} -C ${this.configFile}" listen="${this.syncSocket}" prefork=0`,
    ];
    const { START, DAEMON, EVENTS } = this.#entries;
    const sections = Object.entries({
      START: [...this.#recovery(), ...START],
      SERVICES: services,
      EVENTS,
      DAEMON,
    });
    await writeFile(
      join(this.directory, 'cyrus.conf'),
      sections.map(([name, entries]) => `${name} {\n${entries.join('\n')}\n}\n`).join(''),
    );
  }

  /**
   * Without it the skiplists of older versions are rewritten by everybody who opens one, and soon damaged; and a list of
   * mailboxes that an older version made stays as it is.
   */
  #recovery(): string[] {
    if (this.programs.isAtLeast(3, 6) && !this.#hasForeignStore) return [];
    return [`  recover cmd="${this.programs.path('ctl_cyrusdb')} -C ${this.configFile} -r"`];
  }

  /** Where sync_server answers without asking for a login. */
  get syncSocket(): string {
    return join(this.configDirectory, 'socket', 'csync');
  }

  get lmtpSocket(): string {
    return join(this.configDirectory, 'socket', 'lmtp');
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) throw new Error(`server ${this.name} is running already`);
    const ports = [this.imapPort, this.syncPort, this.sievePort];
    // A service that was killed while it waits for the disk still listens, and `master` disables for good a service
    // whose port is taken when it begins.
    for (const port of [...ports, this.httpPort]) await waitUntilFree(port);
    const child = spawn(
      this.programs.path('master'),
      // -M is read before privileges go; both files are readable by cyrus.
      [
        '-C',
        this.configFile,
        '-M',
        join(this.directory, 'cyrus.conf'),
        '-p',
        join(this.directory, 'master.pid'),
      ],
      // Its own process group: services that outlive `master` can then be killed by what we started.
      {
        ...cyrusIdentity(),
        cwd: this.directory,
        env: { ...process.env, ...this.#environment },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const record = (chunk: Buffer) => {
      this.#serverOutput += chunk.toString();
    };
    child.stdout.on('data', record);
    child.stderr.on('data', record);
    let ended: string | undefined;
    child.on('error', (error) => {
      ended = error.message;
    });
    child.on('exit', (code, signal) => {
      ended = `ended with ${signal ?? `exit code ${code}`}`;
    });
    this.#process = child;
    for (const port of ports) {
      await waitForGreeting(port, () => {
        if (ended === undefined) return;
        throw new Error(`Cyrus master of ${this.name} ${ended}: ${this.#serverOutput || 'no output'}`);
      }).catch((error) => {
        throw new Error(`${error.message}\n${this.#serverOutput}\n${processesOf(this.directory)}`);
      });
    }
  }

  /** Stops the services and keeps the store: tools go on working, `start()` brings it back on the same ports. */
  async halt(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(child), STOP_DEADLINE);
      await exited;
      clearTimeout(timer);
    }
    killGroup(child);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  /** As when the power goes: no process has time for anything. `start()` brings it back on the same ports. */
  async crash(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    killGroup(child);
    await exited;
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  /** Stops all processes where they are (SIGSTOP), until it is disposed of (SIGCONT): connections are taken, by the kernel, and nobody answers. */
  suspend(): Disposable {
    const { pid } = this.#process ?? {};
    if (pid === undefined) throw new Error(`server ${this.name} is not running`);
    process.kill(-pid, 'SIGSTOP');
    return { [Symbol.dispose]: () => void process.kill(-pid, 'SIGCONT') };
  }

  /** Stops the services and removes the directory. Safe to call twice. */
  async stop(): Promise<void> {
    await this.halt();
    running.delete(this);
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Synchronous last resort when the test process ends without having stopped its servers. */
  abandon(): void {
    if (this.#process !== undefined) killGroup(this.#process);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Runs a Cyrus tool (`sync_client`, `reconstruct`, `mbpath`, ...) as cyrus, with `-C` of this server. */
  async run(tool: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ToolResult> {
    return await runAs([this.programs.path(tool), '-C', this.configFile, ...args], {
      cwd: this.directory,
      ...options,
    });
  }

  /** `run` that throws, with all output, unless the tool exits 0. */
  async runOk(tool: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ToolResult> {
    const result = await this.run(tool, args, options);
    if (result.code !== 0) {
      throw new Error(
        `${tool} ${args.join(' ')} exited ${result.code} on ${this.name}\n${result.stdout}\n${result.stderr}`,
      );
    }
    return result;
  }

  /** An IMAP connection logged in as the administrator, or as `userid` by proxy of the administrator. */
  async imap(userid: string = ADMIN): Promise<ImapClient> {
    const client = await ImapClient.connect(this.imapPort);
    try {
      await client.authenticatePlain(userid === ADMIN ? '' : userid, ADMIN, PASSWORD);
    } catch (error) {
      client.destroy();
      throw error;
    }
    return client;
  }

  #defaults(partitions: readonly string[], options: ServerOptions): void {
    const set = (key: string, value: string) => this.#settings.set(key, value);
    set('configdirectory', this.configDirectory);
    set('defaultpartition', partitions[0] ?? 'default');
    for (const each of partitions) {
      set(`partition-${each}`, join(this.directory, 'spool', each));
      if (options.metapartitionFiles !== undefined) {
        set(`metapartition-${each}`, join(this.directory, 'meta', each));
      }
      if (options.archive === true) set(`archivepartition-${each}`, join(this.directory, 'archive', each));
    }
    if (options.metapartitionFiles !== undefined) set('metapartition_files', options.metapartitionFiles);
    if (options.archive === true) {
      set('archive_enabled', 'yes');
      set('archive_after', '1d');
    }
    if (this.hasHttpd) set('httpmodules', 'caldav carddav');
    set('servername', `${this.name}.test`);
    set('admins', ADMIN);
    set('sasl_pwcheck_method', 'auxprop');
    set('sasl_auxprop_plugin', 'sasldb');
    set('sasl_sasldb_path', join(this.directory, 'sasldb2'));
    set('sasl_mech_list', 'PLAIN');
    set('allowplaintext', 'yes');
    set('sievedir', join(this.configDirectory, 'sieve'));
    set('sieve_maxscriptsize', '64');
    set('unixhierarchysep', 'yes');
    set('altnamespace', 'no');
    set('virtdomains', 'off');
    set('delete_mode', 'delayed');
    set('expunge_mode', 'delayed');
    set('annotation_allow_undefined', 'yes');
    set('sync_log', 'no');
  }

  async #makePassword(): Promise<void> {
    const file = join(this.directory, 'sasldb2');
    const made = await runProcess(
      ['/usr/sbin/saslpasswd2', '-c', '-p', '-f', file, '-u', `${this.name}.test`, ADMIN],
      { input: PASSWORD },
    );
    if (made.code !== 0) throw new Error(`saslpasswd2 exited ${made.code}: ${made.stderr}${made.stdout}`);
  }
}

export interface PairOptions {
  /** Options of both servers; those of `master` and `replica` come on top. */
  both?: ServerOptions;
  master?: ServerOptions;
  replica?: ServerOptions;
}

/** A master and a replica; the master's imapd.conf names the replica (`sync_host` and so on). */
export async function startPair(options: PairOptions = {}): Promise<Pair> {
  const replica = await CyrusServer.start('replica', mergeOptions(options.both, options.replica));
  let master: CyrusServer;
  try {
    const forMaster: ServerOptions = { imapd: replicaSettings(replica) };
    master = await CyrusServer.start(
      'master',
      mergeOptions(mergeOptions(forMaster, options.both), options.master),
    );
  } catch (error) {
    await replica.stop();
    throw error;
  }
  const stop = async () => {
    await Promise.all([master.stop(), replica.stop()]);
  };
  return { master, replica, stop, [Symbol.asyncDispose]: stop };
}

/** The imapd.conf options with which a master reaches this replica. */
export function replicaSettings(replica: CyrusServer): Record<string, string> {
  return {
    sync_host: '127.0.0.1',
    sync_port: String(replica.syncPort),
    // With sync_port set, the C client would first wait client_timeout (10 s) for sync_server to speak IMAP.
    sync_try_imap: 'no',
    sync_authname: ADMIN,
    sync_password: PASSWORD,
  };
}

/** Makes all that the test process wrote below `path` readable and writable for the servers. */
export function giveToCyrus(path: string): void {
  const owned = spawnSync('chown', ['-R', 'cyrus:mail', path], { encoding: 'utf8' });
  if (owned.status !== 0) throw new Error(`chown of ${path} to cyrus:mail failed: ${owned.stderr}`);
}

/** Throws, loudly, unless real Cyrus servers can be started here. */
export function requireCyrus(programs: CyrusPrograms = PROGRAMS): void {
  const missing = ['master', 'imapd', 'sync_server', 'sync_client', 'timsieved', 'reconstruct'].filter(
    (each) => !existsSync(programs.path(each)),
  );
  if (!existsSync('/usr/sbin/saslpasswd2')) missing.push('saslpasswd2');
  if (missing.length > 0) {
    throw new Error(
      [
        '*** THE TESTS AGAINST REAL CYRUS SERVERS CANNOT RUN: Cyrus IMAP is not installed. ***',
        `Missing: ${missing.join(', ')} (looked in ${programs.folder} and /usr/sbin).`,
        'On Debian or Ubuntu, as root:',
        `  apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y ${CYRUS_PACKAGES.join(' ')}`,
        'The tests that need no Cyrus run with: npm run test:unit',
      ].join('\n'),
    );
  }
  cyrusIdentity();
}

export const CYRUS_PACKAGES = [
  'cyrus-imapd',
  'cyrus-replication',
  'cyrus-admin',
  'sasl2-bin',
  'libsasl2-modules',
] as const;

/**
 * Where the stores are made: $TMPDIR if it is set, else memory if there is plenty, because Cyrus syncs every file and
 * a disk makes these tests four times slower, else the usual temporary directory.
 */
function storeRoot(): string {
  const memory = '/dev/shm';
  if (process.env.TMPDIR !== undefined || !existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize >= MEMORY_FREE ? memory : tmpdir();
}

function copyStore(from: string, to: string): void {
  const parts = ['conf', 'spool', 'meta', 'archive'].filter((each) => existsSync(join(from, each)));
  const copied = spawnSync('cp', ['-a', ...parts.map((each) => join(from, each)), to], { encoding: 'utf8' });
  if (copied.status !== 0) throw new Error(`cp of the store ${from} failed: ${copied.stderr}`);
  // Sockets and process entries belong to the server that made them.
  for (const each of ['socket', 'proc']) rmSync(join(to, 'conf', each), { recursive: true, force: true });
}

async function waitUntilFree(port: number): Promise<void> {
  const deadline = Date.now() + START_DEADLINE;
  while (!(await canListen(port))) {
    if (Date.now() > deadline) throw new Error(`port ${port} is in use, and was for ${START_DEADLINE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A line of ps for each process with this directory in its command line. */
function processesOf(directory: string): string {
  const { stdout } = spawnSync('ps', ['-eo', 'pid,ppid,stat,wchan:20,args'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.includes(directory))
    .join('\n');
}

async function waitForGreeting(port: number, check: () => void): Promise<void> {
  const deadline = Date.now() + START_DEADLINE;
  for (;;) {
    check();
    if (await greets(port)) return;
    if (Date.now() > deadline)
      throw new Error(`no greeting on 127.0.0.1:${port} within ${START_DEADLINE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.setTimeout(START_DEADLINE, () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: nobody of the group is left, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function watchExit(server: CyrusServer): void {
  running.add(server);
  if (exitHookInstalled) return;
  exitHookInstalled = true;
  process.on('exit', () => {
    for (const each of running) each.abandon();
  });
  // The test runner ends a file that takes too long with SIGTERM, which by itself would run no exit hook.
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGINT', () => process.exit(130));
}

/** Options over others: switches and lists in imapd.conf come together, all else is replaced. */
export function mergeOptions(
  under: ServerOptions | undefined,
  over: ServerOptions | undefined,
): ServerOptions {
  return {
    ...under,
    ...over,
    imapd: { ...under?.imapd, ...over?.imapd },
    extraLines: [...(under?.extraLines ?? []), ...(over?.extraLines ?? [])],
  };
}
