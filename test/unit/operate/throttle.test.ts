import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import fc from 'fast-check';
import { carryOutOrder } from '../../../src/operate/page/order.ts';
import { Bandwidth } from '../../../src/operate/throttle/bandwidth.ts';
import { parseRate, parseTimetable, rateAt, timetableText } from '../../../src/operate/throttle/timetable.ts';
import { watchPauses } from '../../../src/operate/throttle/watch-pauses.ts';
import { freePorts } from '../../lab/free-ports.ts';
import { until } from '../../lab/until.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';
import { FakeSteering } from './fake-steering.ts';

test('a rate is a number of octets with a unit, or off; anything else is none', () => {
  assert.deepEqual(['off', '2M', '1.5m', '500K', '1000', '3G'].map(parseRate), [
    ...['off', 2_000_000, 1_500_000, 500_000, 1_000, 3_000_000_000],
  ]);
  for (const text of ['', '0', '999', '-1M', '2 M', '2MB', '1e9', 'on', '9999G', '1.M', '٣M']) {
    assert.equal(parseRate(text), undefined, text);
  }
});

test('a timetable holds until its next time, over midnight as well', () => {
  const timetable = parseTimetable('19:00,off 08:00,2M 12:30,1M');
  assert.ok(timetable);
  const at = (hour: number, minute = 0): unknown => rateAt(timetable, hour * 60 + minute);
  assert.deepEqual(
    [at(7, 59), at(8), at(12, 29), at(12, 30), at(18, 59), at(19), at(0)],
    [...['off', 2_000_000, 2_000_000, 1_000_000, 1_000_000, 'off', 'off']],
  );
  for (const text of ['08:00', '8,2M', '24:00,2M', '08:60,2M', '08:00,2M 08:00,off', '08:00,fast', ',2M']) {
    assert.equal(parseTimetable(text), undefined, text);
  }
});

test('a timetable that is written down is read as the same one', () => {
  const rates = fc.oneof(
    fc.constant('off' as const),
    fc.integer({ min: 1, max: 999_999 }).map((k) => k * 1_000),
  );
  const entries = fc.uniqueArray(fc.record({ minute: fc.integer({ min: 0, max: 1_439 }), rate: rates }), {
    selector: ({ minute }) => minute,
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(entries, (some) => {
      const timetable = some.map((entry) => ({ ...entry })).sort((a, b) => a.minute - b.minute);
      assert.deepEqual(parseTimetable(timetableText(timetable)), timetable);
    }),
  );
});

test('a rate given meanwhile, on the page as by control, holds in place of the timetable until another is given', async () => {
  const clock = new VirtualClock();
  const steering = new FakeSteering();
  const now = new Date(clock.date());
  const minute = now.getHours() * 60 + now.getMinutes();
  const at = (minutes: number, rate: number) => ({ minute: (minute + minutes) % 1_440, rate });
  const table = [at(0, 1_000_000), at(10, 2_000_000)].sort((a, b) => a.minute - b.minute);
  using bandwidth = new Bandwidth(steering, clock, table);
  await clock.advance(11 * 60_000);
  assert.equal(steering.bwlimit, 2_000_000);
  assert.deepEqual(bandwidth.timetable, table);
  carryOutOrder({ order: 'bwlimit', octets: 5_000_000 }, steering);
  assert.equal(timetableText(bandwidth.timetable), '5M');
  await clock.advance(24 * 60 * 60_000);
  assert.equal(steering.bwlimit, 5_000_000);
  bandwidth.set(table);
  assert.equal(steering.bwlimit, 2_000_000);
  carryOutOrder({ order: 'bwlimit', octets: null }, steering);
  await clock.advance(24 * 60 * 60_000);
  assert.equal(steering.bwlimit, undefined);
});

test('each condition holds by itself, says why, and gives way within a second', async () => {
  const clock = new VirtualClock();
  const steering = new FakeSteering();
  let exists = true;
  let status: number | string = 503;
  let load = 9;
  const conditions = { file: '/run/quiet', url: 'https://user:secret@host/go?token=1', mostLoad: 8 };
  using _watch = watchPauses(conditions, steering, {
    exists: () => exists,
    fetchStatus: async () => status,
    load: () => load,
    after: (delayMs, call) => clock.after(delayMs, call),
  });
  await clock.advance(10);
  assert.deepEqual([...steering.held.values()].sort(), [
    'https://host/go answers 503',
    'load 9.0 is above 8',
    'pause file /run/quiet',
  ]);
  exists = false;
  load = 7.9;
  status = 'ECONNREFUSED';
  await clock.advance(1_000);
  assert.deepEqual([...steering.held.values()].sort(), [
    'https://host/go answers ECONNREFUSED',
    'load 7.9 is above 8',
  ]);
  load = 7;
  status = 200;
  await clock.advance(1_000);
  assert.equal(steering.held.size, 0);
});

test('an address is asked over HTTP: what it answers holds a run, and so does silence, until it is 200', async () => {
  const steering = new FakeSteering();
  let status = 503;
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(status, { location: '/elsewhere' }).end('busy');
  });
  // One that nobody else listens on once it is free.
  const [port = 0] = await freePorts(1);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${port}/go`;
  const held = (reason: string | undefined) => () => [...steering.held.values()][0] === reason;
  {
    using _watch = watchPauses({ file: undefined, url: `${url}?secret=1`, mostLoad: undefined }, steering);
    await until('busy', held(`${url} answers 503`));
    status = 302;
    await until('moved', held(`${url} answers 302`));
    status = 200;
    await until('free', held(undefined));
    server.closeAllConnections();
    server.close();
    await until('gone', held(`${url} answers ECONNREFUSED`));
  }
  assert.ok(asked >= 3);
});

test('a login in that address goes along with each question, and is not told', async () => {
  const steering = new FakeSteering();
  const login = `Basic ${Buffer.from('ops:p@ss:word').toString('base64')}`;
  let rightly = true;
  const server = createServer(({ headers }, response) => {
    response.writeHead(headers.authorization === login && rightly ? 200 : 401).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://ops:p%40ss%3Aword@127.0.0.1:${port}/go`;
  const held = (reason: string | undefined) => () => [...steering.held.values()][0] === reason;
  steering.pause({ by: 'pause-url', reason: 'not asked yet' });
  {
    using _watch = watchPauses({ file: undefined, url, mostLoad: undefined }, steering);
    await until('free', held(undefined));
    rightly = false;
    await until('refused', held(`http://127.0.0.1:${port}/go answers 401`));
  }
  server.closeAllConnections();
  server.close();
});
