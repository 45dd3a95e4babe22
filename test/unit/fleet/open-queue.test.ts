import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import test from 'node:test';
import { DEFAULT_RULES } from '../../../src/fleet/queue/fleet-queue.ts';
import { loadPackage } from '../../../src/fleet/queue/load-package.ts';
import { openQueue } from '../../../src/fleet/queue/open-queue.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { type QueueServer, startPostgres, startRedis } from '../../lab/queue-servers.ts';
import { UNKNOWN_HOST } from '../../lab/unknown-host.ts';

test('an address of nothing that is known is refused, and not shown', async () => {
  for (const address of [
    'mysql://u:secret@host/db',
    'redis:secret',
    'relative/secret',
    'redis://:secret@:x',
  ]) {
    const { code, message } = await refusal(address);
    assert.equal(code, 'USAGE', address);
    assert.match(message, /option --queue expects redis:/);
    assert.doesNotMatch(message, /secret/);
  }
});

test('a server that is not there is named without the password, and so is a host without address', async () => {
  for (const kind of ['redis', 'postgres']) {
    const gone = await refusal(`${kind}://fleet:secret@127.0.0.1:1/db`);
    assert.equal(gone.code, 'CONNECT_FAILED');
    assert.match(
      gone.message,
      new RegExp(`the queue ${kind}://127.0.0.1:1/db cannot be reached: .*ECONNREFUSED`),
    );
    assert.match(gone.hint ?? '', /--queue/);
    assert.equal((await refusal(`${kind}://${UNKNOWN_HOST}/db`)).code, 'HOST_NOT_FOUND');
  }
});

test('Redis with a wrong password, or none, is refused with what the address looks like', async () => {
  await using server = await startRedis(['requirepass right']);
  for (const address of [server.address, server.address.replace('//', '//:secret@')]) {
    const { code, message, hint } = await refusal(address);
    assert.equal(code, 'AUTHENTICATION_FAILED');
    assert.match(hint ?? '', /redis:\/\/USER:PASSWORD@HOST/);
    assert.doesNotMatch(message, /secret/);
  }
  await using queue = await openQueue(server.address.replace('//', '//:right@'), 'fleet');
  assert.equal(queue.address, server.address);
});

test('PostgreSQL with a user that is none is refused', async () => {
  await using server = await startPostgres();
  const { code, hint } = await refusal(server.address.replace('fleet@', 'nobody:secret@'));
  assert.equal(code, 'AUTHENTICATION_FAILED');
  assert.match(hint ?? '', /postgres:\/\/USER:PASSWORD@HOST/);
});

test('Redis that would drop slices, or lose them in a crash, is refused with what to set', async () => {
  const settings: [string, RegExp][] = [
    ['maxmemory-policy allkeys-lru', /expected maxmemory-policy noeviction, found allkeys-lru/],
    ['appendonly no', /expected the append-only file to be on, found appendonly no/],
  ];
  for (const [setting, told] of settings) {
    await using server: QueueServer = await startRedis([setting]);
    const { code, message } = await refusal(server.address);
    assert.equal(code, 'CONFIG');
    assert.match(message, told);
  }
});

test('a Redis that is too old is refused with its version', async () => {
  await using server = await oldRedis('5.0.3');
  const { code, message } = await refusal(`redis://127.0.0.1:${server.port}`);
  assert.equal(code, 'CONFIG');
  assert.match(message, /expected Redis 6.2 or newer, found 5.0.3/);
});

test('a server that takes connections and says nothing is given up', async () => {
  await using server = await silentServer();
  const { code } = await refusal(`redis://127.0.0.1:${server.port}`, 50);
  assert.equal(code, 'CONNECT_FAILED');
  assert.equal((await refusal(`postgres://127.0.0.1:${server.port}/db`, 50)).code, 'CONNECT_FAILED');
});

test('a package that nobody has installed is named with how to install it', () => {
  assert.throws(
    () => loadPackage('bullmq-that-is-not-there'),
    (error) =>
      error instanceof SyncError &&
      error.code === 'CONFIG' &&
      /npm install -g bullmq@6/.test(error.hint ?? ''),
  );
});

async function refusal(address: string, patienceMs?: number): Promise<SyncError> {
  const rules = { ...DEFAULT_RULES, ...(patienceMs !== undefined && { patienceMs }) };
  try {
    await using queue = await openQueue(address, 'fleet', rules);
    assert.fail(`opened ${queue.address}`);
  } catch (caught) {
    assert.ok(caught instanceof SyncError, String(caught));
    return caught;
  }
}

/** Answers as Redis does when it is asked about itself, and says yes to all else. */
async function oldRedis(version: string): Promise<AsyncDisposable & { port: number }> {
  const info = `redis_version:${version}\r\nloading:0\r\n`;
  return await listening((socket) => {
    socket.on('data', (data) => {
      for (const command of data
        .toString()
        .split(/^\*[0-9]+\r\n/m)
        .slice(1))
        socket.write(/^info\r$/im.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
    });
  });
}

async function silentServer(): Promise<AsyncDisposable & { port: number }> {
  return await listening(() => undefined);
}

async function listening(serve: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
