import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { WebServer } from '../../src/operate/page/web-server.ts';
import { RunState } from '../../src/operate/state/run-state.ts';
import type { SyncEvent } from '../../src/report/events.ts';
import type { ErrorData } from '../../src/report/sync-error.ts';
import { until } from '../lab/until.ts';

/* Contract: Prometheus takes the rules, the rules do as they say, and each query of the dashboard finds something in a scrape. */

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'docs', 'prometheus');

test('the alert rules are rules, and fire when they should and not before', () => {
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts-test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  }
});

const error: ErrorData = { code: 'IO', family: 'local', message: 'disk full', retryable: true };
const channel = 'offsite';

/** Everything that a channel may tell of. */
const events: readonly SyncEvent[] = [
  {
    ...{
      kind: 'connection:open',
      connection: '0.1',
      server: 'replica',
      flavour: 'csync',
      mechanism: 'PLAIN',
    },
    ...{ tls: true, compression: false, sieveMailbox: true },
  },
  {
    kind: 'connection:traffic',
    connection: '0.1',
    sentOctets: 9,
    receivedOctets: 9,
    answers: 9,
    servedMs: 9,
  },
  { kind: 'user:progress', user: 'a', messages: 1, octets: 9 },
  { kind: 'rolling:replicated', channel, users: ['a'], lagMs: 300 },
  { kind: 'rolling:quarantined', channel, user: 'b', failures: 5, delayMs: 1, error },
  { kind: 'run:steered', what: 'bwlimit', octetsPerSecond: 1_000 },
  { kind: 'verify:verdict', user: 'a', verdict: 'different', mailboxes: 1, differences: 1 },
  { kind: 'rolling:full-pass', jobs: 1, untold: 0, elapsedMs: 1_000, error: undefined },
  {
    kind: 'rolling:backlog',
    backlog: {
      ...{ channel, lines: 3, oldestMs: 900, inFlight: 1, waiting: 0, locked: 0 },
      quarantined: [{ user: 'b', failures: 5, retryMs: 1, error }],
      ...{ lastSuccess: 1, link: 'up' },
    },
  },
];

test('every query of the dashboard finds something in what a channel tells', async () => {
  const state = new RunState(
    { server: 'replica', channel, rolling: true, spellMailbox: (name) => name },
    performance.now(),
  );
  await using web = await WebServer.open({
    ...{ host: '127.0.0.1', port: 0, token: undefined, tls: undefined, version: '1', assets: new Map() },
    now: () => performance.now(),
  });
  const hear = web.add({ channel, state, steering: () => undefined, settings: {} });
  for (const event of events) {
    state.hear(event, performance.now());
    hear(event);
  }
  await using prometheus = await startPrometheus(web.port);
  const { panels }: { panels: { title: string; targets: { expr: string }[] }[] } = JSON.parse(
    readFileSync(join(FOLDER, 'dashboard.json'), 'utf8'),
  );
  const queries = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));
  assert.ok(queries.length > 15);
  for (const { title, expr } of queries) {
    const query = expr.replaceAll('$channel', '.*');
    await until(`"${title}" finds something: ${query}`, async () => (await prometheus.query(query)) > 0);
  }
});

/** An answer of its query API, as far as it is read. */
interface Answer {
  status: string;
  error?: string;
  data?: { result: unknown[] };
}

/** Debian's Prometheus, which looks at a port ten times a second. */
async function startPrometheus(
  port: number,
): Promise<AsyncDisposable & { query(text: string): Promise<number> }> {
  const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const own = await freePort();
  const config = join(directory, 'prometheus.yml');
  writeFileSync(
    config,
    `scrape_configs:\n  - job_name: cyrus-sync\n    scrape_interval: 100ms\n    scrape_timeout: 100ms\n    static_configs:\n      - targets: ['127.0.0.1:${port}']\n`,
  );
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${own}`,
    ],
    { stdio: 'ignore' },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  return {
    async query(text) {
      const address = `http://127.0.0.1:${own}/api/v1/query?query=${encodeURIComponent(text)}`;
      const response = await fetch(address).catch(() => undefined);
      if (!response || response.status === 503) return 0;
      const answer = (await response.json()) as Answer;
      assert.equal(answer.status, 'success', `${text}: ${answer.error}`);
      return answer.data?.result.length ?? 0;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
