import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { FAMILIES } from '../../../src/operate/metrics/families.ts';
import { LAG, Metrics, PREFIX } from '../../../src/operate/metrics/metrics.ts';
import type { Backlog, SyncEvent } from '../../../src/report/events.ts';
import { begun, ended, found, opened, progressed, settled, stateOf } from './run-events.ts';

const PROJECT = join(import.meta.dirname, '..', '..', '..', '..');

/** A scrape after these events, one a second. */
async function scraped(
  events: readonly SyncEvent[],
  { rolling = false, channel }: { rolling?: boolean; channel?: string } = {},
): Promise<string> {
  let now = 0;
  const state = stateOf(rolling);
  const metrics = new Metrics('1.2.3', () => now);
  const { hear } = metrics.add(channel, () => state.view(now));
  for (const event of events) {
    now += 1_000;
    state.hear(event, now);
    hear(event);
  }
  await metrics.text();
  // A second look tells the same: nothing is added up by looking.
  return await metrics.text();
}

const backlog = (changes: Partial<Backlog> = {}): SyncEvent => ({
  kind: 'rolling:backlog',
  backlog: {
    ...{ channel: undefined, lines: 0, oldestMs: undefined, inFlight: 0, waiting: 0, locked: 0 },
    ...{ quarantined: [], lastSuccess: undefined, link: 'up', ...changes },
  },
});

function assertHas(text: string, ...lines: string[]): void {
  const all = text.split('\n');
  for (const line of lines) assert.ok(all.includes(line), `${line} is not in\n${text}`);
}

test('a run is told by its users, what they have got and what went over the network', async () => {
  const text = await scraped([
    ...[found(5, 100), opened(), begun('a'), progressed('a', 3, 500), ended('a', 'synced', 60)],
    ...[settled('a', 'replicated'), settled('b', 'failed'), begun('c')],
    {
      kind: 'connection:traffic',
      connection: '0.1',
      sentOctets: 700,
      receivedOctets: 40,
      answers: 9,
      servedMs: 250,
    },
  ]);
  assertHas(
    text,
    'cyrus_sync_up{channel="default"} 1',
    'cyrus_sync_run_info{channel="default",server="replica",mode="",version="1.2.3"} 1',
    'cyrus_sync_state{channel="default",state="copying"} 1',
    'cyrus_sync_users{channel="default",state="copying"} 1',
    'cyrus_sync_users{channel="default",state="waiting"} 2',
    'cyrus_sync_done_total{channel="default",result="replicated"} 1',
    'cyrus_sync_done_total{channel="default",result="failed"} 1',
    'cyrus_sync_messages_total{channel="default"} 3',
    'cyrus_sync_message_octets_total{channel="default"} 500',
    'cyrus_sync_octets_total{channel="default",direction="sent"} 700',
    'cyrus_sync_octets_total{channel="default",direction="received"} 40',
    'cyrus_sync_round_trips_total{channel="default"} 9',
    'cyrus_sync_apply_seconds_total{channel="default"} 0.25',
    '# EOF',
  );
  assert.doesNotMatch(text, /^cyrus_sync_backlog_lines/m);
});

test('a channel is told by its log, its lag and whom it has trouble with; a backlog that was told grows older', async () => {
  const error = { code: 'IO', family: 'local', message: 'disk full', retryable: true } as const;
  const text = await scraped(
    [
      backlog({ lines: 12, oldestMs: 4_000, lastSuccess: 1_700_000_000_500 }),
      { kind: 'rolling:pass', channel: 'x', file: 'f', lines: 7, bad: 1, units: 6 },
      { kind: 'rolling:replicated', channel: 'x', users: ['a'], lagMs: 300 },
      { kind: 'rolling:quarantined', channel: 'x', user: 'b', failures: 5, delayMs: 1, error },
    ],
    { rolling: true, channel: 'x' },
  );
  assertHas(
    text,
    'cyrus_sync_backlog_lines{channel="x"} 12',
    'cyrus_sync_backlog_oldest_seconds{channel="x"} 7',
    'cyrus_sync_last_success_timestamp_seconds{channel="x"} 1700000000.5',
    'cyrus_sync_log_lines_total{channel="x"} 7',
    'cyrus_sync_bad_log_lines_total{channel="x"} 1',
    'cyrus_sync_lag_seconds_bucket{le="0.25",channel="x"} 0',
    'cyrus_sync_lag_seconds_bucket{le="0.5",channel="x"} 1',
    'cyrus_sync_lag_seconds_count{channel="x"} 1',
    'cyrus_sync_quarantined_users{channel="x"} 1',
    'cyrus_sync_retries_total{channel="x",code="IO"} 1',
    'cyrus_sync_link_up{channel="x"} 1',
  );
});

test('comparisons are told by verdict and kind of difference, and how old the oldest is once everybody was compared', async () => {
  const pass = { kind: 'rolling:full-pass', jobs: 2, untold: 0, elapsedMs: 5_000 } as const;
  const text = await scraped([
    { kind: 'verify:verdict', user: 'a', verdict: 'proven', mailboxes: 1, differences: 0 },
    { kind: 'verify:verdict', user: 'b', verdict: 'repaired', mailboxes: 1, differences: 1 },
    { kind: 'verify:difference', difference: { kind: 'acl', user: 'b', master: 'x', replica: 'y' } },
    { ...pass, error: undefined },
    { ...pass, error: { code: 'IO', family: 'local', message: 'x', retryable: true } },
  ]);
  assertHas(
    text,
    'cyrus_sync_verified_users_total{channel="default",result="proven"} 1',
    'cyrus_sync_verified_users_total{channel="default",result="repaired"} 1',
    'cyrus_sync_differences_total{channel="default",kind="acl"} 1',
    // It began five seconds before the fourth second, and a pass that failed proves nothing.
    'cyrus_sync_oldest_verification_seconds{channel="default"} 6',
  );
  assert.doesNotMatch(await scraped([]), /^cyrus_sync_oldest_verification/m);
});

test('channels side by side in one process are in one scrape', async () => {
  const metrics = new Metrics('1', () => 0);
  for (const channel of ['a', undefined]) {
    const state = stateOf(true);
    metrics.add(channel, () => state.view(0));
  }
  assertHas(await metrics.text(), 'cyrus_sync_up{channel="a"} 1', 'cyrus_sync_up{channel="default"} 1');
});

test('a slice of a fleet is told with what it is a part of, until it is removed', async () => {
  const metrics = new Metrics('1', () => 0);
  const state = stateOf();
  const part = { fleet: 'autumn', wave: 'pilot', slice: 'pilot.m1.r1.0' };
  const { facts } = metrics.add(undefined, () => state.view(0), part);
  assertHas(
    await metrics.text(),
    'cyrus_sync_up{channel="default",fleet="autumn",wave="pilot",slice="pilot.m1.r1.0"} 1',
  );
  metrics.remove(facts);
  assert.doesNotMatch(await metrics.text(), /pilot/);
});

test('the page of metrics promises every one of them by its name, type and labels, and no others', () => {
  const page = readFileSync(join(PROJECT, 'docs/metrics.md'), 'utf8');
  const promised = [...page.matchAll(/^\| `(cyrus_sync_\w+)` \| (\w+) \| ([^|]*) \|/gm)].map(
    ([, name, type, labels = '']) => `${name} ${type} ${labels.replaceAll('`', '').trim()}`,
  );
  const there = FAMILIES.map(
    ({ name, type, labels }) =>
      `${PREFIX}${name}${type === 'counter' ? '_total' : ''} ${type} ${labels.join(', ')}`,
  );
  assert.deepEqual(
    promised.sort(),
    [...there, `${PREFIX}${LAG} histogram `].sort().map((each) => each),
  );
});
