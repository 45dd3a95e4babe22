import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Steering } from '../../src/coordinator/steering.ts';
import { readAssets } from '../../src/operate/page/read-assets.ts';
import { WebServer } from '../../src/operate/page/web-server.ts';
import { RunState } from '../../src/operate/state/run-state.ts';
import type { SyncEvent } from '../../src/report/events.ts';
import type { SettledStatus } from '../../src/report/grade.ts';

/** Debian's; playwright-core brings none. */
const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--js-flags=--expose-gc'],
];
export const TOKEN = 'a-token-of-many-characters';

/** A status page over a run that is told of by the test, on a clock that the test moves. */
export class PageScene implements AsyncDisposable {
  readonly web: WebServer;
  readonly asked: unknown[] = [];
  readonly #browser: Browser;
  readonly #profile: string;
  readonly #state: RunState;
  readonly #hear: (event: SyncEvent) => void;
  readonly #clock: { now: number };
  readonly #pages: { page: Page; origins: Set<string>; errors: string[] }[] = [];

  private constructor(
    web: WebServer,
    browser: Browser,
    profile: string,
    state: RunState,
    clock: { now: number },
    channel: string | undefined,
  ) {
    this.web = web;
    this.#browser = browser;
    this.#profile = profile;
    this.#state = state;
    this.#clock = clock;
    const settings = { workers: 'auto', tls: 'auto', compression: 'auto', master: 'private' };
    this.#hear = web.add({ channel, state, steering: () => this.#steering(), settings });
  }

  static async open({
    rolling = false,
    channel,
  }: {
    rolling?: boolean;
    channel?: string;
  } = {}): Promise<PageScene> {
    const clock = { now: 0 };
    const state = new RunState(
      { server: 'replica.example.org', channel, rolling, spellMailbox: (name) => name.replaceAll('.', '/') },
      0,
    );
    const assets = readAssets(new URL('../../../web/', import.meta.url));
    const web = await WebServer.open({
      ...{ host: '127.0.0.1', port: 0, token: TOKEN, tls: undefined, version: '0.1.0', assets },
      now: () => clock.now,
    });
    const profile = mkdtempSync(join(tmpdir(), 'page-'));
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, env: { HOME: profile } });
    return new PageScene(web, browser, profile, state, clock, channel);
  }

  get url(): string {
    return `http://127.0.0.1:${this.web.port}/`;
  }

  tell(...events: SyncEvent[]): void {
    for (const event of events) {
      this.#state.hear(event, this.#clock.now);
      this.#hear(event);
    }
  }

  /** Time passes, and with it come the points of the curves. */
  pass(seconds: number): void {
    this.#clock.now += seconds * 1_000;
    this.web.sample(1_767_225_600_000 + this.#clock.now);
  }

  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const seen = { page, origins: new Set<string>(), errors: [] as string[] };
    page.on('request', (request) => seen.origins.add(new URL(request.url()).origin));
    page.on('pageerror', (error) => seen.errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') seen.errors.push(message.text());
    });
    this.#pages.push(seen);
    await page.goto(this.url);
    await page.locator('#version', { hasText: '0.1.0' }).waitFor();
    return page;
  }

  /** Errors of the pages, and whom they asked beside us. */
  troubles(): string[] {
    const own = new URL(this.url).origin;
    return this.#pages.flatMap(({ origins, errors }) => [
      ...errors,
      ...[...origins].filter((origin) => origin !== own),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.web[Symbol.asyncDispose]();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  /** It does as it is told, and says so as a run would. */
  #steering(): Steering {
    const noted = (what: string, ...values: unknown[]): 'done' => {
      this.asked.push([what, ...values]);
      return 'done';
    };
    const connections = { limit: 'auto', most: 16, open: 2 } as const;
    return {
      connections,
      setConnections: (limit) => {
        noted('connections', limit);
        this.tell({ kind: 'run:steered', what: 'connections', limit });
        return { ...connections, limit };
      },
      bwlimit: undefined,
      setBwlimit: (octetsPerSecond) => {
        noted('bwlimit', octetsPerSecond);
        this.tell({ kind: 'run:steered', what: 'bwlimit', octetsPerSecond });
      },
      pauses: [],
      pause: ({ reason }) => {
        noted('pause');
        this.tell({ kind: 'run:steered', what: 'pauses', reasons: [reason] });
      },
      resume: () => {
        noted('resume');
        this.tell({ kind: 'run:steered', what: 'pauses', reasons: [] });
      },
      now: (user) => noted('now', user),
      skip: (user) => noted('skip', user),
      unskip: (user) => noted('unskip', user),
      retry: (user) => noted('retry', user),
      skipped: [],
      waiting: () => [],
      stop: () => void noted('stop'),
    };
  }
}

const opened = (connection: string): SyncEvent => ({
  ...{
    kind: 'connection:open',
    connection,
    server: 'replica.example.org',
    flavour: 'csync',
    mechanism: 'PLAIN',
  },
  ...{ tls: true, compression: false, sieveMailbox: true },
});
const begun = (user: string, connection: string): SyncEvent => ({
  ...{ kind: 'work:begun', key: `user:${user}`, connection, users: [user] },
});
const settled = (user: string, status: SettledStatus): SyncEvent => ({
  ...{ kind: 'user:settled', key: `user:${user}`, user, status },
  effort: { attempts: 1, lockWaits: 0, mailboxes: 1, messages: 1, octets: 1, elapsedMs: 1 },
  ...(status === 'failed' && {
    error: {
      ...{ code: 'MAILBOX_DAMAGED', family: 'local', retryable: false, mailbox: `user.${user}.Old` },
      message: 'cyrus.header: expected a header, found 0 octets',
      hint: 'run reconstruct on this mailbox, then sync it again',
    },
  }),
});

/** A copy in its middle, with all that can be seen of one. */
export function tellOfCopy(scene: PageScene): void {
  scene.tell({ kind: 'run:start', server: 'replica.example.org', mode: 'all', connections: 1 });
  scene.tell({ kind: 'run:discovered', users: 400, messages: 90_000, complete: true });
  scene.tell({ kind: 'run:connections', most: 16, why: 'asked' }, opened('0.1'), opened('1.1'));
  for (let minute = 0; minute < 60; minute++) {
    const user = `user${String(minute).padStart(3, '0')}`;
    scene.tell(begun(user, '0.1'));
    for (let part = 0; part < 4; part++) {
      const octets = Math.round(9_000_000 * (1.5 + Math.sin((minute * 4 + part) / 20)));
      scene.tell({ kind: 'user:progress', user, messages: 100, octets });
      scene.pass(5);
    }
    scene.tell({
      ...{ kind: 'work:ended', key: `user:${user}`, connection: '0.1', users: [user], result: 'synced' },
      size: 300,
    });
    scene.tell(settled(user, minute % 20 === 19 ? 'failed' : 'replicated'));
  }
  scene.tell(begun('anna', '0.1'), begun('carla', '1.1'));
  scene.tell({ kind: 'user:progress', user: 'anna', messages: 1_250, octets: 12_000_000 });
  scene.tell({ kind: 'run:parked', key: 'user:bob', user: 'bob' });
  scene.pass(4);
}

/** A channel that is followed, with one user in trouble. */
export function tellOfChannel(scene: PageScene, hours = 1): void {
  scene.tell(opened('0.1'));
  const { channel } = { channel: 'offsite' };
  for (let step = 0; step < hours * 360; step++) {
    const lagMs = 300 + 200 * Math.sin(step / 20) + (step % 90 === 0 ? 4_000 : 0);
    scene.tell({ kind: 'rolling:replicated', channel, users: ['anna'], lagMs });
    scene.tell({
      kind: 'rolling:backlog',
      backlog: {
        ...{
          channel,
          lines: step % 7,
          oldestMs: step % 7 ? 900 : undefined,
          inFlight: 1,
          waiting: 0,
          locked: 0,
        },
        ...{ quarantined: [], lastSuccess: 1_767_225_600_000 + step * 10_000, link: 'up' },
      },
    });
    scene.pass(10);
  }
  scene.tell({
    ...{ kind: 'rolling:quarantined', channel, user: 'dora', failures: 5, delayMs: 60_000 },
    error: { code: 'IMAP_REMOTE_DENIED', family: 'refused', message: 'quota exceeded', retryable: true },
  });
}
