import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { DelayProxy } from '../test/lab/delay-proxy.ts';
import { median } from './statistics.ts';

const PINGS = 15;
/** Larger than all socket buffers on the way, in both directions at once. */
const BULK_OCTETS = 32 * 1024 * 1024;

export interface PingResult {
  /** Milliseconds asked for. */
  roundTrip: number;
  /** Milliseconds measured: median, least and most. */
  median: number;
  least: number;
  most: number;
  /** From connect() to the first octet that a server sends at once: two round trips on a real link. */
  greeting: number;
  /** MB/s of bulk data sent and echoed at once; its digest was right, so order was kept. */
  bulk: number;
}

/** Proves the proxy: octet by octet for the delay, in bulk for order and bandwidth. */
export async function ping(roundTrip: number, bulk: boolean): Promise<PingResult> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.write('!');
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await using proxy = await DelayProxy.start({
      targetPort: portOf(server),
      roundTrip,
      rate: 0,
      hideCompression: false,
    });
    const begun = performance.now();
    const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'data');
    const greeting = performance.now() - begun;
    const times: number[] = [];
    for (let i = 0; i < PINGS; i++) {
      const sent = performance.now();
      socket.write('x');
      await once(socket, 'data');
      times.push(performance.now() - sent);
    }
    const speed = bulk ? await sendBulk(socket) : 0;
    socket.destroy();
    return {
      roundTrip,
      median: median(times),
      least: Math.min(...times),
      most: Math.max(...times),
      greeting,
      bulk: speed,
    };
  } finally {
    server.close();
  }
}

async function sendBulk(socket: ReturnType<typeof connect>): Promise<number> {
  const sent = createHash('sha1');
  const received = createHash('sha1');
  const chunk = Buffer.alloc(64 * 1024);
  let back = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('data', (octets: Buffer) => {
      received.update(octets);
      back += octets.length;
      if (back === BULK_OCTETS) resolve();
    });
  });
  const begun = performance.now();
  for (let at = 0; at < BULK_OCTETS; at += chunk.length) {
    chunk.writeUInt32BE(at, 0);
    sent.update(chunk);
    if (!socket.write(Buffer.from(chunk))) await once(socket, 'drain');
  }
  await all;
  if (sent.digest('hex') !== received.digest('hex')) {
    throw new Error('what came back through the proxy is not what was sent');
  }
  return BULK_OCTETS / 1e6 / ((performance.now() - begun) / 1000);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port given by the system');
  return address.port;
}
