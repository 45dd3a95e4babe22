import { existsSync } from 'node:fs';
import { loadavg } from 'node:os';
import { unescape as unescapePercent } from 'node:querystring';
import type { Steering } from '../../coordinator/steering.ts';

/** Under which nothing goes on. */
export interface PauseConditions {
  /** While this file exists. */
  file: string | undefined;
  /** While this answers other than 200, or not at all. */
  url: string | undefined;
  /** While this host's load of the last minute is above this. */
  mostLoad: number | undefined;
}

export interface PauseParts {
  exists(path: string): boolean;
  /** @returns the status, or why there is none */
  fetchStatus(url: string, signal: AbortSignal): Promise<number | string>;
  load(): number;
  after(delayMs: number, call: () => void): () => void;
}

/** By whom each condition holds a run. */
export const PAUSES = ['pause-file', 'pause-url', 'max-load'] as const;

/** An order to pause is obeyed within a second. */
const LOOK_MS = 500;
/** An address that does not answer in this time answers other than 200. */
const FETCH_TIMEOUT_MS = 5_000;
/** So far below the limit the load has to come before it goes on, so that it does not go on and off with its own load. */
const LOAD_TO_RESUME = 0.9;

const real: PauseParts = {
  exists: existsSync,
  fetchStatus: async (url, signal) => {
    try {
      const { address, headers } = withLogin(url);
      const response = await fetch(address, { signal, headers, redirect: 'manual' });
      await response.body?.cancel();
      return response.status;
    } catch (caught) {
      return reasonOf(caught);
    }
  },
  load: () => loadavg()[0] ?? 0,
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Looks at the conditions until disposed of, from now on. */
export function watchPauses(
  conditions: PauseConditions,
  steering: Steering,
  parts: PauseParts = real,
): Disposable {
  const ended = new AbortController();
  const cancels = new Set<() => void>();
  const every = (look: () => void | Promise<void>): void => {
    let cancel = (): void => {};
    const again = (): void => {
      cancels.delete(cancel);
      if (ended.signal.aborted) return;
      cancel = parts.after(LOOK_MS, () => void turn());
      cancels.add(cancel);
    };
    const turn = async (): Promise<void> => {
      await look();
      again();
    };
    void turn();
  };
  const hold = (by: (typeof PAUSES)[number], reason: string | undefined): void => {
    if (ended.signal.aborted) return;
    if (reason === undefined) steering.resume(by);
    else steering.pause({ by, reason });
  };

  const { file, url, mostLoad } = conditions;
  if (file !== undefined) {
    every(() => hold('pause-file', parts.exists(file) ? `pause file ${file}` : undefined));
  }
  if (url !== undefined) {
    every(async () => {
      const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
      const status = await parts.fetchStatus(url, signal);
      hold('pause-url', status === 200 ? undefined : `${withoutSecrets(url)} answers ${status}`);
    });
  }
  if (mostLoad !== undefined) {
    let isHeld = false;
    every(() => {
      const load = parts.load();
      isHeld = load > (isHeld ? mostLoad * LOAD_TO_RESUME : mostLoad);
      hold('max-load', isHeld ? `load ${load.toFixed(1)} is above ${mostLoad}` : undefined);
    });
  }
  return {
    [Symbol.dispose]: () => {
      ended.abort();
      for (const cancel of cancels) cancel();
    },
  };
}

/** `fetch` takes no address that has a login in it: it goes where such a request has it (RFC 7617). */
function withLogin(url: string): { address: URL; headers: Record<string, string> } {
  const address = new URL(url);
  const { username, password } = address;
  if (username === '' && password === '') return { address, headers: {} };
  address.username = '';
  address.password = '';
  const login = `${unescapePercent(username)}:${unescapePercent(password)}`;
  return { address, headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` } };
}

/** The part of an address that may be told. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

function reasonOf(caught: unknown): string {
  if (!(caught instanceof Error)) return String(caught);
  const { cause } = caught;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : caught.name;
}
