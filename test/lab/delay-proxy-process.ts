/**
 * A link with a round-trip time, as a process of its own so that its timers share no event loop with what is measured.
 *
 * Started by `delay-proxy.ts` with an IPC channel. Each direction is delayed by half the round trip, octets keep their order,
 * and bandwidth is unlimited unless a rate is given. A TCP connect over such a link takes one round trip and the greeting
 * another, while a connect to this proxy takes none: the first octet to the client is therefore held back for two.
 */
import { connect, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { withoutCompression } from './without-compression.ts';

export interface ProxySettings {
  targetPort: number;
  /** Milliseconds. */
  roundTrip: number;
  /** Octets per second and direction, of all connections together; 0 = unlimited. */
  rate: number;
  /** Take `* COMPRESS DEFLATE` out of the server's banner, so that any client goes without. */
  hideCompression: boolean;
}

export interface ProxyCounts {
  connections: number;
  /** Octets from client to server, and back. */
  up: number;
  down: number;
  /** When the first octet came from a client, milliseconds since 1970; 0: none yet. */
  firstOctetAt: number;
  /** Seconds that this process was at work: a real link takes none of the processors. */
  processorSeconds: number;
}

export type ProxyOrder = { kind: 'counts' };
export type ProxyReport = { kind: 'listening'; port: number } | { kind: 'counts'; counts: ProxyCounts };

/** Octets that may wait for a slow receiver before the sender is held back, like a large TCP window. */
const UNREAD_OCTETS = 8 * 1024 * 1024;
/** Milliseconds: a chunk due that soon goes out now, because timers are no finer. */
const TIMER_GRAIN = 0.5;

const counts = { connections: 0, up: 0, down: 0, firstOctetAt: 0 };
/** To start is no part of what it costs to be a link. */
let startedWith = process.cpuUsage();

/** One direction of the link, which all connections share: until when it is taken, milliseconds of `performance.now()`. */
interface Line {
  freeAt: number;
}

/** One direction of a connection: whatever comes from `source` reaches `sink` after the delay, end and reset included. */
class Direction {
  readonly #sink: Socket;
  readonly #source: Socket;
  readonly #delay: number;
  readonly #line: Line;
  readonly #rate: number;
  #waiting: { due: number; chunk: Buffer | undefined }[] = [];
  #head = 0;
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  #open: boolean;

  constructor(
    source: Socket,
    sink: Socket,
    line: Line,
    { delay, rate, open }: { delay: number; rate: number; open: boolean },
  ) {
    this.#source = source;
    this.#sink = sink;
    this.#line = line;
    this.#delay = delay;
    this.#rate = rate;
    this.#open = open;
    sink.on('drain', () => {
      if (!this.#paused) return;
      this.#paused = false;
      source.resume();
    });
  }

  /** The sink is connected: what is due may go out. */
  open(): void {
    this.#open = true;
    this.#deliver();
  }

  /** @param chunk undefined: the end */
  take(chunk: Buffer | undefined): void {
    const now = performance.now();
    let sent = now;
    if (this.#rate > 0 && chunk !== undefined) {
      sent = Math.max(now, this.#line.freeAt) + (chunk.length / this.#rate) * 1000;
      this.#line.freeAt = sent;
    }
    this.#waiting.push({ due: sent + this.#delay, chunk });
    if (this.#timer === undefined) this.#deliver();
  }

  #deliver(): void {
    this.#timer = undefined;
    if (!this.#open) return;
    const now = performance.now();
    for (let next = this.#waiting[this.#head]; next !== undefined; next = this.#waiting[this.#head]) {
      const left = next.due - now;
      if (left > TIMER_GRAIN) {
        this.#timer = setTimeout(() => this.#deliver(), Math.max(1, Math.floor(left)));
        break;
      }
      this.#head += 1;
      this.#write(next.chunk);
    }
    if (this.#head > 1024 || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }

  #write(chunk: Buffer | undefined): void {
    if (this.#sink.destroyed) return;
    if (chunk === undefined) {
      this.#sink.end();
      return;
    }
    this.#sink.write(chunk);
    if (this.#sink.writableLength > UNREAD_OCTETS && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }
}

const asItIs = (chunk: Buffer, { pass }: { pass(octets: Buffer): void }): void => pass(chunk);

function serve(settings: ProxySettings): void {
  const delay = settings.roundTrip / 2;
  const { rate } = settings;
  const [upLine, downLine]: [Line, Line] = [{ freeAt: 0 }, { freeAt: 0 }];
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    counts.connections += 1;
    const target = connect({
      port: settings.targetPort,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
      autoSelectFamily: false,
    });
    const up = new Direction(client, target, upLine, { delay, rate, open: true });
    const down = new Direction(target, client, downLine, { delay, rate, open: settings.roundTrip === 0 });
    if (settings.roundTrip > 0) setTimeout(() => down.open(), settings.roundTrip * 2);
    const relay = settings.hideCompression ? withoutCompression() : asItIs;
    client.on('data', (chunk: Buffer) => {
      counts.up += chunk.length;
      if (counts.firstOctetAt === 0) counts.firstOctetAt = performance.timeOrigin + performance.now();
      up.take(chunk);
    });
    const pass = (octets: Buffer) => {
      counts.down += octets.length;
      down.take(octets);
    };
    target.on('data', (chunk: Buffer) => relay(chunk, { pass }));
    client.on('end', () => up.take(undefined));
    target.on('end', () => down.take(undefined));
    const close = () => {
      client.destroy();
      target.destroy();
    };
    client.on('error', close);
    target.on('error', close);
    client.on('close', () => up.take(undefined));
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port given by the system');
    startedWith = process.cpuUsage();
    report({ kind: 'listening', port: address.port });
  });
}

function report(message: ProxyReport): void {
  process.send?.(message);
}

process.on('message', (order: ProxyOrder) => {
  if (order.kind !== 'counts') return;
  const { user, system } = process.cpuUsage(startedWith);
  report({ kind: 'counts', counts: { ...counts, processorSeconds: (user + system) / 1e6 } });
});
// The parent is gone: so is the link.
process.on('disconnect', () => process.exit(0));
const [settings] = process.argv.slice(2);
serve(JSON.parse(settings ?? '') as ProxySettings);
