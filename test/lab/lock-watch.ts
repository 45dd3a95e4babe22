import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';

/** Milliseconds between two looks: what waits for less is nobody's concern. */
const LOOK_EVERY = 20;

/**
 * Looks in a row that may see one and the same process wait, a second of them. They are counted rather than timed: where the
 * machine has no time for the holder of a lock it has none for whoever looks either.
 */
const BEARABLE_LOOKS = 50;

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
  #mostSeen: Wait | undefined;

  constructor(server: CyrusServer) {
    this.#server = server;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
  }

  /** @throws Error that names who waited longer than is bearable, for which file, and for whom */
  assertBearable(holder: string): void {
    const { looks, who } = this.#mostSeen ?? { looks: 0, who: 'nobody' };
    if (looks <= BEARABLE_LOOKS) return;
    throw new Error(`Somebody had to wait for a lock of ${holder} at ${looks} looks in a row: ${who}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const waiting = new Map<string, Wait>();
    for (const { pid, file } of waitersForOpenFileLocks(readFileSync('/proc/locks', 'latin1'))) {
      const key = `${pid} ${file}`;
      const before = this.#waiting.get(key);
      const who = before?.who ?? this.#waiter(pid, file);
      if (who === undefined) continue;
      const wait = { looks: (before?.looks ?? 0) + 1, who };
      waiting.set(key, wait);
      if (wait.looks > (this.#mostSeen?.looks ?? 0) && !SYNC_LOCK.test(who)) this.#mostSeen = wait;
    }
    this.#waiting = waiting;
  }

  /** undefined: not of this server. */
  #waiter(pid: string, file: string): string | undefined {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      return line.includes(this.#server.directory) ? `${line}for ${openFile(pid, file)}` : undefined;
    } catch {
      // It has ended meanwhile, and waits for nobody.
      return undefined;
    }
  }
}

/** The path that a process has open under what /proc/locks calls a file, which ends in its inode. */
function openFile(pid: string, file: string): string {
  const inode = file.slice(file.lastIndexOf(':') + 1);
  const descriptors = `/proc/${pid}/fd`;
  const path = readdirSync(descriptors)
    .map((each) => join(descriptors, each))
    .find((each) => String(statSync(each, { throwIfNoEntry: false })?.ino) === inode);
  return path === undefined ? file : readlinkSync(path);
}

/** It is there so that one client waits until another has done all of a user. */
const SYNC_LOCK = /\*S\*[^/]*\.lock$/;

interface Wait {
  looks: number;
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
