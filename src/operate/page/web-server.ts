/**
 * The door of `operate/page`. Here is the port on which a process answers to browsers and to Prometheus: the status page, what
 * it shows, metrics, and whether it is alive and at work. It may know `metrics`, `state` and the `Steering` of a run. Nothing is
 * changed without the token, nothing read without it from another host, and nothing answered to a page of somebody else's. It
 * holds nobody up: what it tells is worked out a few times a second at most, whoever asks.
 */

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Steering } from '../../coordinator/steering.ts';
import type { EventListener } from '../../report/events.ts';
import type { PartOf } from '../../report/part-of.ts';
import { printableJson } from '../../report/printable-json.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MetricFacts } from '../metrics/metric-facts.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { RunState } from '../state/run-state.ts';
import type { RunView } from '../state/run-view.ts';
import type { StandingWord } from '../state/standing.ts';
import { briefly } from './briefly.ts';
import { type ChannelData, channelData } from './channel-data.ts';
import { History } from './history.ts';
import { isLoopback } from './is-loopback.ts';
import { carryOutOrder, parseOrder } from './order.ts';
import type { Asset } from './read-assets.ts';
import { type AccessRules, type Need, refusal } from './refusal.ts';
import { seldom } from './seldom.ts';

export interface WebOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  token: string | undefined;
  /** PEM. */
  tls: { certificate: string; key: string } | undefined;
  version: string;
  /** By the path that is asked for. */
  assets: ReadonlyMap<string, Asset>;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

/** A run, or a channel in rolling mode. */
export interface WebSource {
  channel: string | undefined;
  state: RunState;
  steering(): Steering | undefined;
  /** In force, for people; no passwords. */
  settings: Readonly<Record<string, string>>;
  part?: PartOf | undefined;
}

interface Channel extends WebSource {
  history: History;
  facts: MetricFacts;
}

/** A look may be so old. */
const KEPT_MS = 500;
/** A look at a fleet, which asks its queue, is kept for so long at least. */
const FLEET_KEPT_MS = 2_000;
/** At once; a browser has six, and Prometheus one. */
const MOST_CONNECTIONS = 128;
const PATIENCE_MS = 10_000;
const MOST_BODY_OCTETS = 4_096;

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Nothing goes on, and nothing would if there were something to do. */
const NOT_READY: readonly StandingWord[] = [
  ...(['connecting', 'waiting-for-replica', 'replica-ill', 'host-out-of-files'] as const),
  ...(['stopping', 'ended'] as const),
];

export class WebServer implements AsyncDisposable {
  readonly #options: WebOptions;
  readonly #rules: AccessRules;
  readonly #metrics: Metrics;
  #channels: Channel[] = [];
  readonly #over = new Set<RunState>();
  readonly #server: Server;
  readonly #metricsText: () => Promise<string>;
  readonly #statusText: () => string;
  #fleetText: (() => Promise<string>) | undefined;

  private constructor(options: WebOptions) {
    this.#options = options;
    const { host, token, tls, version, now } = options;
    this.#rules = { isLoopback: isLoopback(host), token };
    this.#metrics = new Metrics(version, now);
    const refresh = briefly(KEPT_MS, now, () => this.#refreshBacklogs());
    this.#metricsText = briefly(KEPT_MS, now, () => {
      refresh();
      return this.#metrics.text();
    });
    this.#statusText = briefly(KEPT_MS, now, () => {
      refresh();
      return printableJson({
        ...{ version, control: token !== undefined },
        ...{ fleet: this.#fleetText !== undefined, channels: this.#channelData() },
      });
    });
    const listener: RequestListener = (request, response) => void this.#answer(request, response);
    const limits = { headersTimeout: PATIENCE_MS, requestTimeout: PATIENCE_MS };
    this.#server = tls ? tlsServer(tls, limits, listener) : createServer(limits, listener);
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /** @throws SyncError USAGE if the port cannot be had, CONFIG if its certificate is none, so that nothing is begun without it */
  static async open(options: WebOptions): Promise<WebServer> {
    const web = new WebServer(options);
    const { host, port } = options;
    await new Promise<void>((resolve, reject) => {
      web.#server.once('error', (error) => reject(notListening(host, port, error)));
      web.#server.listen({ host, port }, resolve);
    });
    // A port that works has no errors that anybody could do something about; and it keeps no process alive.
    web.#server.on('error', () => {}).unref();
    return web;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @returns what is to hear the events of this channel */
  add(source: WebSource): EventListener {
    const isOver = ({ state }: Channel): boolean => this.#over.has(state);
    for (const gone of this.#channels.filter(isOver)) this.#metrics.remove(gone.facts);
    this.#channels = this.#channels.filter((channel) => !isOver(channel));
    this.#over.clear();
    const view = (): RunView => source.state.view(this.#options.now());
    const { hear, facts } = this.#metrics.add(source.channel, view, source.part);
    this.#channels.push({ ...source, history: new History(), facts });
    return hear;
  }

  /** A part of something larger is over: it is told of until the next one is added, and is nothing to wait for. */
  retire(state: RunState): void {
    this.#over.add(state);
  }

  /** The runs of this process are parts of a fleet: the page shows all of it. @param look asks how it stands */
  tellOfFleet(look: () => Promise<object>): void {
    this.#fleetText = seldom(FLEET_KEPT_MS, this.#options.now, async () => printableJson(await look()));
  }

  /** One more point of the curves. @param dateMs milliseconds since the epoch */
  sample(dateMs: number): void {
    this.#refreshBacklogs();
    const now = this.#options.now();
    for (const { state, history } of this.#channels) history.add(state.view(now), dateMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** The daemon tells of it by itself every few minutes alone. */
  #refreshBacklogs(): void {
    const now = this.#options.now();
    for (const { state, steering } of this.#channels) {
      try {
        const backlog = steering()?.backlog?.();
        if (backlog) state.hear({ kind: 'rolling:backlog', backlog }, now);
      } catch {
        // A log that cannot be read is told of by the daemon, who has to take it: whoever looks on stops nothing.
      }
    }
  }

  #channelData(): ChannelData[] {
    const now = this.#options.now();
    return this.#channels.map(({ state, facts, settings, history, steering, part }) =>
      channelData(state, facts, now, {
        settings,
        part: part ?? null,
        history: history.samples(),
        steers: steering() !== undefined,
      }),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [path = '/'] = (request.url ?? '/').split('?');
      const route = this.#routes[`${request.method === 'HEAD' ? 'GET' : request.method} ${path}`];
      const asset = request.method === 'GET' ? this.#options.assets.get(path) : undefined;
      const refused = refusal(this.#rules, route?.need ?? 'nothing', request.headers);
      if (refused) {
        send(response, refused.status, 'text/plain', `${refused.text}\n`, {
          ...(refused.status === 401 && { 'www-authenticate': 'Bearer' }),
        });
      } else if (asset) send(response, 200, asset.type, asset.content);
      else if (route) await route.answer(request, response);
      else send(response, 404, 'text/plain', 'there is nothing here\n');
    } catch (caught) {
      const error = SyncError.from(caught);
      if (!response.headersSent) {
        const status = error.code === 'USAGE' ? 400 : error.retryable ? 503 : 500;
        send(response, status, 'text/plain', `${error.message}\n`);
      }
    }
  }

  readonly #routes: Readonly<
    Record<
      string,
      { need: Need; answer(request: IncomingMessage, response: ServerResponse): Promise<void> | void }
    >
  > = {
    'GET /metrics': {
      need: 'read',
      answer: async (_request, response) =>
        send(response, 200, this.#metrics.contentType, await this.#metricsText()),
    },
    'GET /status.json': {
      need: 'read',
      answer: (_request, response) => send(response, 200, 'application/json', this.#statusText()),
    },
    'GET /fleet.json': {
      need: 'read',
      answer: async (_request, response) => {
        const text = await this.#fleetText?.();
        if (text === undefined) send(response, 404, 'text/plain', 'this process is no agent of a fleet\n');
        else send(response, 200, 'application/json', text);
      },
    },
    'GET /healthz': {
      need: 'nothing',
      answer: (_request, response) => send(response, 200, 'text/plain', 'ok\n'),
    },
    'GET /readyz': {
      need: 'nothing',
      answer: (_request, response) => {
        const now = this.#options.now();
        const words = this.#channels
          .filter(({ state }) => !this.#over.has(state))
          .map(({ state }) => state.view(now).standing.word);
        const hindered = words.find((word) => NOT_READY.includes(word));
        send(response, hindered === undefined ? 200 : 503, 'text/plain', `${hindered ?? 'ready'}\n`);
      },
    },
    'POST /steer': {
      need: 'control',
      answer: async (request, response) => {
        const { channel, ...rest } = jsonObject(await bodyOf(request));
        const steering = this.#channels
          .find((each) => (each.channel ?? null) === (channel ?? null))
          ?.steering();
        if (!steering) throw new SyncError('USAGE', 'expected a channel of this process that takes orders');
        const came = carryOutOrder(parseOrder(rest), steering);
        send(response, 200, 'application/json', printableJson({ came }));
      },
    },
  };
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  content: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...HEADERS, ...headers, 'content-type': type }).end(content);
}

/** @throws SyncError USAGE */
async function bodyOf(request: IncomingMessage): Promise<string> {
  // Of these a browser asks first whether it may, and it may not.
  if (request.headers['content-type'] !== 'application/json') {
    throw new SyncError('USAGE', 'expected application/json');
  }
  let octets = 0;
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    octets += chunk.length;
    if (octets > MOST_BODY_OCTETS)
      throw new SyncError('USAGE', `expected at most ${MOST_BODY_OCTETS} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws SyncError USAGE */
function jsonObject(text: string): { channel?: unknown } & Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (caught) {
    if (!(caught instanceof SyntaxError)) throw caught;
  }
  throw new SyncError('USAGE', 'expected a JSON object');
}

function notListening(host: string, port: number, error: NodeJS.ErrnoException): SyncError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another process has this port',
    EACCES: 'only root may have ports below 1024',
    EADDRNOTAVAIL: 'this host has no such address',
  };
  const shown = host.includes(':') ? `[${host}]` : host;
  return new SyncError('USAGE', `--metrics ${shown}:${port}: ${reasons[error.code ?? ''] ?? error.message}`, {
    phase: 'start',
    hint: 'give another address or port, or leave it out',
    cause: error,
  });
}

/** @throws SyncError CONFIG if the certificate or its key is none, or one is not of the other */
function tlsServer(
  { certificate, key }: NonNullable<WebOptions['tls']>,
  limits: ServerOptions,
  listener: RequestListener,
): Server {
  try {
    return createTlsServer({ ...limits, cert: certificate, key }, listener);
  } catch (caught) {
    const { message } = SyncError.from(caught);
    const expected = 'expected a certificate and the private key that belongs to it, both PEM';
    throw new SyncError('CONFIG', `metrics_certificate, metrics_key: ${expected}: ${message}`, {
      phase: 'start',
      hint: 'name two files that belong together, or leave out both',
      cause: caught,
    });
  }
}
