import { existsSync, readFileSync } from 'node:fs';
import type { CyrusServer } from './cyrus-server.ts';

/** Milliseconds between two looks: what waits for less is nobody's concern. */
const LOOK_EVERY = 20;

/**
 * Watches who of a server's processes waits for a lock of the client under test, as the kernel tells it in /proc/locks.
 * The client's locks are told from Cyrus's own: they belong to an open file (OFDLCK), those of Cyrus to a process (POSIX).
 *
 * The client itself polls, so that its own waiting is not seen there, nor a cycle that it is part of: whoever uses this
 * also sees to it that the others get on.
 */
export class LockWatch implements Disposable {
  readonly #server: CyrusServer;
  readonly #timer: NodeJS.Timeout;
  /** By waiter and file. */
  #waiting = new Map<string, Wait>();
  #longest: Wait | undefined;

  constructor(server: CyrusServer) {
    this.#server = server;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
  }

  /** Milliseconds that the one who waited longest has waited, and who it was. */
  get longest(): { milliseconds: number; who: string } {
    const { since = 0, until = 0, who = 'nobody' } = this.#longest ?? {};
    return { milliseconds: until - since, who };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const waiting = new Map<string, Wait>();
    for (const { pid, file } of waitersForOpenFileLocks(readFileSync('/proc/locks', 'latin1'))) {
      const key = `${pid} ${file}`;
      const who = this.#waiting.get(key)?.who ?? this.#processOf(pid);
      if (who === undefined) continue;
      const wait = { since: this.#waiting.get(key)?.since ?? now, until: now, who: `${who} for ${file}` };
      waiting.set(key, { ...wait, who });
      if (now - wait.since >= this.longest.milliseconds) this.#longest = wait;
    }
    this.#waiting = waiting;
  }

  /** undefined: not of this server. */
  #processOf(pid: string): string | undefined {
    const path = `/proc/${pid}/cmdline`;
    const line = existsSync(path) ? readFileSync(path, 'latin1').replaceAll('\0', ' ') : '';
    return line.includes(this.#server.directory) ? line : undefined;
  }
}

interface Wait {
  since: number;
  until: number;
  who: string;
}

/** `1: OFDLCK ADVISORY READ -1 08:02:77 0 EOF`, and behind it `1: -> POSIX ADVISORY WRITE 4711 08:02:77 0 EOF`. */
export function waitersForOpenFileLocks(locks: string): { pid: string; file: string }[] {
  const held = new Set<string>();
  const waiters: { pid: string; file: string }[] = [];
  for (const line of locks.split('\n')) {
    const [id, ...words] = line.trim().split(/\s+/);
    const isWaiter = words[0] === '->';
    while (words[0] === '->') words.shift();
    const [mechanism, , , pid = '', file = ''] = words;
    if (!isWaiter && mechanism === 'OFDLCK' && id !== undefined) held.add(id);
    if (isWaiter && id !== undefined && held.has(id)) waiters.push({ pid, file });
  }
  return waiters;
}
