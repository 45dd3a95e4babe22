import assert from 'node:assert/strict';
import { get } from 'node:https';
import { connect } from 'node:net';
import test from 'node:test';
import type { Pause, Steering } from '../../../src/coordinator/steering.ts';
import { refusal } from '../../../src/operate/page/refusal.ts';
import { type WebOptions, WebServer } from '../../../src/operate/page/web-server.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { selfSigned } from '../../lab/certificate.ts';
import { begun, found, opened, stateOf } from './run-events.ts';

const TOKEN = 'a-token-of-many-characters';

/** It notes what it is asked to do, in order. */
function fakeSteering(): { steering: Steering; asked: unknown[] } {
  const asked: unknown[] = [];
  let pauses: Pause[] = [];
  const noted =
    (what: string) =>
    (user: string): 'done' => {
      asked.push([what, user]);
      return 'done';
    };
  const connections = { limit: 'auto', most: 4, open: 1 } as const;
  const steering: Steering = {
    connections,
    setConnections: (limit) => {
      asked.push(['connections', limit]);
      return { ...connections, limit };
    },
    bwlimit: undefined,
    setBwlimit: (octets) => void asked.push(['bwlimit', octets]),
    get pauses() {
      return pauses;
    },
    pause: (pause) => {
      pauses = [pause];
      asked.push(['pause', pause.by]);
    },
    resume: (by) => void asked.push(['resume', by]),
    ...{ now: noted('now'), skip: noted('skip'), unskip: noted('unskip'), retry: noted('retry') },
    skipped: [],
    waiting: () => [],
    stop: () => void asked.push(['stop']),
  };
  return { steering, asked };
}

async function scene(changes: Partial<WebOptions> = {}, steering?: Steering) {
  let now = 0;
  let views = 0;
  const state = stateOf();
  const view = state.view.bind(state);
  state.view = (at) => {
    views += 1;
    return view(at);
  };
  const web = await WebServer.open({
    ...{ host: '127.0.0.1', port: 0, token: TOKEN, tls: undefined, version: '1.2.3' },
    assets: new Map([['/', { type: 'text/html', content: Buffer.from('the page') }]]),
    now: () => now,
    ...changes,
  });
  web.add({ channel: undefined, state, steering: () => steering, settings: { workers: 'auto' } });
  const url = `http://127.0.0.1:${web.port}`;
  return {
    ...{ web, state, url },
    views: () => views,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    get: async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(url + path, { headers });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
    steer: async (order: unknown, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) => {
      const response = await fetch(`${url}/steer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(order),
      });
      return { status: response.status, text: await response.text() };
    },
    [Symbol.asyncDispose]: async () => await web[Symbol.asyncDispose](),
  };
}

test('whether it is alive and ready is told to anybody; why it is not ready, in a word', async () => {
  await using watched = await scene();
  assert.equal((await watched.get('/healthz')).status, 200);
  const early = await watched.get('/readyz');
  assert.deepEqual([early.status, early.text], [503, 'connecting\n']);
  for (const event of [found(2, 10), opened(), begun('a')]) watched.state.hear(event, 1);
  const ready = await watched.get('/readyz');
  assert.deepEqual([ready.status, ready.text], [200, 'ready\n']);
});

test('a part that is over is told of until the next is added, and is nothing that anybody waits for', async () => {
  await using watched = await scene();
  const partOf = async () =>
    JSON.parse((await watched.get('/status.json')).text).channels.map(({ part }: { part: unknown }) => part);
  assert.deepEqual(await partOf(), [null]);
  assert.equal((await watched.get('/readyz')).status, 503);
  watched.web.retire(watched.state);
  assert.deepEqual(await partOf(), [null]);
  assert.deepEqual((await watched.get('/readyz')).text, 'ready\n');
  const part = { fleet: 'autumn', wave: 'pilot', slice: 's1' };
  watched.web.add({ channel: undefined, state: stateOf(), steering: () => undefined, settings: {}, part });
  watched.pass(1_000);
  assert.deepEqual(await partOf(), [part]);
});

test('a fleet is asked about only when somebody looks, seldom where that is slow, and an answer that fails says why', async () => {
  await using watched = await scene();
  assert.equal((await watched.get('/fleet.json')).status, 404);
  assert.equal(JSON.parse((await watched.get('/status.json')).text).fleet, false);
  let asked = 0;
  let fails = false;
  watched.web.tellOfFleet(async () => {
    asked += 1;
    watched.pass(1_000);
    if (fails) throw new SyncError('QUEUE_UNAVAILABLE', 'the queue does not answer', { retryable: true });
    return { asked };
  });
  watched.pass(1_000);
  assert.equal(JSON.parse((await watched.get('/status.json')).text).fleet, true);
  assert.equal(asked, 0);
  const looks = await Promise.all([1, 2, 3].map(async () => await watched.get('/fleet.json')));
  assert.deepEqual([...new Set(looks.map(({ text }) => text))], ['{"asked":1}']);
  watched.pass(19_000);
  assert.equal((await watched.get('/fleet.json')).text, '{"asked":1}');
  fails = true;
  watched.pass(2_000);
  const away = await watched.get('/fleet.json');
  assert.deepEqual([away.status, away.text], [503, 'the queue does not answer\n']);
});

test('metrics and status are told to who asks from this host, with the page that shows them', async () => {
  await using watched = await scene();
  const metrics = await watched.get('/metrics');
  assert.match(metrics.text, /^cyrus_sync_up\{channel="default"\} 1$/m);
  assert.match(metrics.headers.get('content-type') ?? '', /^application\/openmetrics-text/);
  const { channels, control } = JSON.parse((await watched.get('/status.json')).text);
  assert.equal(control, true);
  assert.deepEqual(channels[0].settings, { workers: 'auto' });
  const page = await watched.get('/');
  assert.equal(page.text, 'the page');
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.equal((await watched.get('/etc/passwd')).status, 404);
});

test('a thousand looks cost as much as one', async () => {
  await using watched = await scene();
  const before = watched.views();
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 50 }, async () => await watched.get('/metrics')));
  }
  assert.equal(watched.views() - before, 1);
  watched.pass(1_000);
  await watched.get('/metrics');
  assert.equal(watched.views() - before, 2);
});

test('nothing is changed without the token, with another one, or from a page of another origin', async () => {
  const { steering, asked } = fakeSteering();
  await using watched = await scene({}, steering);
  const token = { authorization: `Bearer ${TOKEN}` };
  const refused: [Record<string, string>, number][] = [
    [{}, 401],
    [{ authorization: 'Bearer another-token-altogether' }, 401],
    [{ authorization: `Bearer ${TOKEN}x` }, 401],
    [{ ...token, origin: 'http://evil.example' }, 403],
    [{ ...token, 'sec-fetch-site': 'cross-site' }, 403],
    [{ ...token, 'content-type': 'text/plain' }, 400],
  ];
  for (const [headers, status] of refused) {
    assert.equal((await watched.steer({ channel: null, order: 'pause' }, headers)).status, status);
  }
  assert.equal((await watched.get('/steer', token)).status, 404, 'a link changes nothing');
  assert.deepEqual(asked, []);
});

test('where no token is set nothing can be changed at all', async () => {
  const { steering, asked } = fakeSteering();
  await using watched = await scene({ token: undefined }, steering);
  const answer = await watched.steer({ channel: null, order: 'pause' });
  assert.deepEqual([answer.status, asked], [403, []]);
  assert.match(answer.text, /metrics_token/);
});

test('orders reach what they are for, and what is none is refused with what was expected', async () => {
  const { steering, asked } = fakeSteering();
  await using watched = await scene({}, steering);
  const orders = [
    ...[{ order: 'pause' }, { order: 'resume' }, { order: 'workers', limit: 4 }],
    ...[
      { order: 'bwlimit', octets: 1_000 },
      { order: 'bwlimit', octets: null },
    ],
    ...[
      { order: 'workers', limit: 'auto' },
      { order: 'retry', user: 'anna' },
    ],
  ];
  for (const order of orders) {
    assert.equal((await watched.steer({ channel: null, ...order })).status, 200, JSON.stringify(order));
  }
  assert.deepEqual(asked, [
    ...[
      ['pause', 'control'],
      ['resume', 'control'],
      ['connections', 4],
    ],
    ...[
      ['bwlimit', 1_000],
      ['bwlimit', undefined],
      ['connections', 'auto'],
      ['retry', 'anna'],
    ],
  ]);
  const wrong: [unknown, RegExp][] = [
    [{ order: 'workers', limit: 65 }, /from 1 to 64/],
    [{ order: 'workers', limit: '4' }, /auto or a whole number/],
    [{ order: 'bwlimit', octets: -1 }, /octets a second/],
    [{ order: 'skip', user: '' }, /a userid/],
    [{ order: 'stop' }, /as order/],
    [{ order: '__proto__' }, /as order/],
    [[], /as order|an order/],
  ];
  for (const [order, says] of wrong) {
    const answer = await watched.steer(order);
    assert.equal(answer.status, 400, JSON.stringify(order));
    assert.match(answer.text, says);
  }
  assert.equal((await watched.steer({ channel: 'another', order: 'pause' })).status, 400);
  assert.equal(asked.length, 7);
});

test('a name of somebody else that leads to this host is not answered', async () => {
  await using watched = await scene();
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(watched.web.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('close', () => resolve(text)).on('error', reject);
    socket.write('GET /status.json HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
  });
  assert.match(answer, /^HTTP\/1\.1 421 /);
});

test('every address of this host alone is answered by its own name', async () => {
  const rules = { isLoopback: true, token: undefined };
  for (const host of ['localhost:1', '127.0.0.1', '127.0.0.2:9765', '[::1]:9765', 'LOCALHOST']) {
    assert.equal(refusal(rules, 'read', { host }), undefined, host);
  }
  for (const host of ['localhost.evil.example', '127.evil.example', '192.0.2.1:9765', '']) {
    assert.equal(refusal(rules, 'read', { host })?.status, 421, host);
  }
});

test('on an address that others reach nothing is read without the token, but whether it is alive', async () => {
  await using watched = await scene({ host: '0.0.0.0' });
  for (const path of ['/metrics', '/status.json']) {
    const without = await watched.get(path);
    assert.deepEqual([without.status, without.headers.get('www-authenticate')], [401, 'Bearer'], path);
    assert.equal((await watched.get(path, { authorization: `Bearer ${TOKEN}` })).status, 200);
  }
  assert.equal((await watched.get('/healthz')).status, 200);
});

test('with a certificate it is TLS alone, to whoever trusts that one; the token is asked for as without', async () => {
  const { cert: certificate, key } = selfSigned('IP:127.0.0.1');
  await using watched = await scene({ host: '0.0.0.0', tls: { certificate, key } });
  const ask = (headers: Record<string, string>, ca?: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { port } = watched.web;
      get({ host: '127.0.0.1', port, path: '/metrics', headers, ca, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
  assert.equal(await ask({}, certificate), 401);
  assert.equal(await ask({ authorization: `Bearer ${TOKEN}x` }, certificate), 401);
  assert.equal(await ask({ authorization: `Bearer ${TOKEN}` }, certificate), 200);
  await assert.rejects(ask({ authorization: `Bearer ${TOKEN}` }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  await assert.rejects(watched.get('/metrics'), TypeError);
});

test('a key of another certificate, or a file that has none, ends the start with one line that names the settings', async () => {
  const own = selfSigned('IP:127.0.0.1');
  const other = selfSigned('IP:127.0.0.1');
  for (const tls of [
    { certificate: own.cert, key: other.key },
    { certificate: own.key, key: own.cert },
    { certificate: 'none', key: own.key },
  ]) {
    await assert.rejects(scene({ tls }), {
      code: 'CONFIG',
      message: /^metrics_certificate, metrics_key: expected a certificate and the private key .*: [^\n]+$/,
    });
  }
});

test('a port that another process has ends the start with one line that says so', async () => {
  await using first = await scene();
  await assert.rejects(scene({ port: first.web.port }), {
    code: 'USAGE',
    message: `--metrics 127.0.0.1:${first.web.port}: another process has this port`,
  });
  await assert.rejects(scene({ host: '192.0.2.1' }), { message: /this host has no such address/ });
});

test('what is sent too long, or never to its end, does not stay in memory', async () => {
  const { steering } = fakeSteering();
  await using watched = await scene({}, steering);
  const long = await watched.steer({ order: 'now', user: 'x'.repeat(10_000) });
  assert.deepEqual([long.status, long.text], [400, 'expected at most 4096 octets\n']);
});

test('the curves keep the latest two hours, however long it goes on', async () => {
  await using watched = await scene();
  for (let minute = 0; minute < 60 * 24; minute++) watched.web.sample(minute * 60_000);
  const { channels } = JSON.parse((await watched.get('/status.json')).text);
  assert.equal(channels[0].history.length, 720);
  assert.equal(channels[0].history.at(-1).at, (60 * 24 - 1) * 60);
});
