import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { freePorts } from '../../lab/free-ports.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { append, populate } from '../../lab/populate.ts';
import { RollingClient } from '../../lab/rolling-client.ts';
import { startSyncClient, syncClient } from '../../lab/sync-client.ts';
import { until } from '../../lab/until.ts';

/* Contract: whoever looks on over the port sees what is true, in a form that Prometheus takes, and disturbs nothing. */

let pair: Pair;
let users: string[];

before(async () => {
  pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  ({ users } = await populate(pair.master, { users: 8 }));
});
after(async () => await pair?.stop());

/** undefined: nobody answers there. */
async function scrape(port: number, path = '/metrics'): Promise<string | undefined> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  } catch {
    return undefined;
  }
}

/** A sample by its name and labels. */
function sample(text: string | undefined, name: string): number | undefined {
  const line = text?.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** promtool reads no other, in which a counter is declared by the name of its sample. */
function inOlderFormat(openMetrics: string): string {
  const counters = [...openMetrics.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name = '']) => name);
  return openMetrics.replace(/^(# (?:HELP|TYPE) )(\S+)/gm, (line, head: string, name: string) =>
    counters.includes(name) ? `${head}${name}_total` : line,
  );
}

test('a copy tells of those done and of who waits', async () => {
  const [port = 0] = await freePorts(1);
  const waiting = users[0] ?? '';
  const held = await lockUser(pair.master, waiting, '127.0.0.1');
  const run = startSyncClient(pair.master, ['-A', '--metrics', String(port)]);
  let latest: string | undefined;
  await until(
    'one user alone is left, and waits for the lock',
    async () => {
      latest = await scrape(port);
      return sample(latest, 'cyrus_sync_state{channel="default",state="waiting-for-lock"}') === 1;
    },
    () => latest ?? 'nobody answers',
  );
  const text = (await scrape(port)) ?? '';
  assert.ok((sample(text, 'cyrus_sync_messages_total{channel="default"}') ?? 0) > 100);
  const sent = sample(text, 'cyrus_sync_octets_total{channel="default",direction="sent"}') ?? 0;
  // Whether it is deflated depends on how slow this host makes the link look.
  assert.ok(sent > 1_000, `${sent} octets sent`);
  assert.ok((sample(text, 'cyrus_sync_message_octets_total{channel="default"}') ?? 0) > 1_000);
  assert.ok((sample(text, 'cyrus_sync_round_trips_total{channel="default"}') ?? 0) > users.length);
  const checked = spawnSync('promtool', ['check', 'metrics'], {
    input: inOlderFormat(text),
    encoding: 'utf8',
  });
  assert.equal(checked.stderr + checked.stdout, '');
  await held.release();
  const { code, stderr } = await run.result;
  assert.equal(code, 0, stderr);
  assert.equal(await scrape(port), undefined, 'the port is given back');
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});

test('rolling mode tells of its backlog and of the lag of what it has done', async () => {
  const [port = 0] = await freePorts(1);
  await using client = new RollingClient(pair, ['--metrics', String(port)]);
  const user = users[1] ?? '';
  {
    await using imap = await pair.master.imap(user);
    await append(imap, 'INBOX', 1, 'for the lag', user);
  }
  await client.settled();
  await until('the lag of one change is told', async () => {
    const text = await scrape(port);
    return (sample(text, 'cyrus_sync_lag_seconds_count{channel="default"}') ?? 0) > 0;
  });
  assert.equal(await scrape(port, '/readyz'), 'ready\n');
});

test('a port that is taken, an address that is none and one without a token end the run before it begins, in one line', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const wrong: [string, RegExp][] = [
    [String(port), /^sync_client: --metrics 127\.0\.0\.1:\d+: another process has this port \(give another/],
    ['70000', /^sync_client: option --metrics expects a port, or HOST:PORT, .*found "70000"/],
    ['here', /^sync_client: option --metrics expects/],
    [`0.0.0.0:${port}`, /^sync_client: --metrics 0\.0\.0\.0:\d+: expected metrics_token in the settings/],
  ];
  for (const [value, says] of wrong) {
    const { code, stderr, stdout } = await syncClient(pair.master, ['-v', '-A', '--metrics', value]);
    assert.equal(code, 64, stderr);
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.equal(stdout, '', 'nobody was replicated');
  }
  taken.close();
});
