import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { DelayProxy } from '../../lab/delay-proxy.ts';

const BANNER = '* SASL PLAIN\r\n* COMPRESS DEFLATE\r\n* OK server ready\r\n';
/** More than the socket buffers on the way hold. */
const OCTETS = 8 * 1024 * 1024;

async function listen(onClient: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer(onClient).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  return { server, port: address.port };
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('what goes through a delayed link arrives whole, in order, and is counted', async () => {
  const { server, port } = await listen((socket) => socket.pipe(socket));
  try {
    const settings = { targetPort: port, roundTrip: 4, rate: 0, hideCompression: false };
    await using proxy = await DelayProxy.start(settings);
    const sent = Buffer.alloc(OCTETS);
    for (let at = 0; at < OCTETS; at += 4) sent.writeUInt32BE(at, at);
    const socket = connect(proxy.port, '127.0.0.1');
    const received = readAll(socket);
    socket.end(sent);
    assert.ok((await received).equals(sent));
    const { connections, up, down } = await proxy.counts();
    assert.deepEqual({ connections, up, down }, { connections: 1, up: OCTETS, down: OCTETS });
  } finally {
    server.close();
  }
});

test('connections share the rate of a link', async () => {
  const octets = Buffer.alloc(128 * 1024);
  const rate = 1024 * 1024;
  const { server, port } = await listen((socket) => socket.end(octets));
  try {
    const settings = { targetPort: port, roundTrip: 0, rate, hideCompression: false };
    await using proxy = await DelayProxy.start(settings);
    const began = performance.now();
    const sockets = [1, 2, 3].map(() => connect(proxy.port, '127.0.0.1'));
    const received = await Promise.all(sockets.map(readAll));
    assert.ok(received.every((each) => each.equals(octets)));
    // However slow the machine is, it takes no less than this.
    const leastMs = ((3 * octets.length) / rate) * 1_000;
    assert.ok(performance.now() - began > 0.95 * leastMs, 'each had the rate for itself');
  } finally {
    server.close();
  }
});

test('a link that hides compression leaves the rest of the banner alone', async () => {
  const { server, port } = await listen((socket) => {
    // In two pieces, cut within the line that is to vanish.
    socket.write(BANNER.slice(0, 20));
    socket.write(BANNER.slice(20));
    socket.end('* COMPRESS DEFLATE\r\n');
    socket.resume();
  });
  try {
    const settings = { targetPort: port, roundTrip: 0, rate: 0, hideCompression: true };
    await using proxy = await DelayProxy.start(settings);
    const socket = connect(proxy.port, '127.0.0.1');
    const received = (await readAll(socket)).toString();
    assert.equal(received.replace(/\* COMPRESS DEFLATE\r\n$/, ''), '* SASL PLAIN\r\n* OK server ready\r\n');
  } finally {
    server.close();
  }
});
