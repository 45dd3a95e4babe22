import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './finding.ts';
import type { Host } from './site.ts';

/** The kernel's names for the locks of each kind. Open-file-description locks (OFDLCK) are our own. */
const KINDS: Readonly<Record<string, Host['locks']>> = { POSIX: 'fcntl', FLOCK: 'flock' };

/**
 * How the servers of this host lock, found out from a lock that one of them holds at this moment: `master` keeps its
 * pidfile locked as long as it runs, and so does a service that waits for a connection its file below `socket`.
 */
export function checkLockKind({ layout, locks }: Pick<Host, 'layout' | 'locks'>, quick = false): Finding[] {
  const files = new Set<string>();
  for (const path of [
    ...(quick ? [] : masterPidFiles(layout.configdirectory)),
    ...locksOfServices(join(layout.configdirectory, 'socket')),
  ]) {
    const stats = statOf(path);
    if (stats?.isFile()) files.add(lockedAs(stats));
  }
  const held = heldKinds(textOf('/proc/locks') ?? '', files);
  const [kind] = held;
  if (kind === undefined || held.size > 1) {
    return [
      {
        check: 'lock kind',
        verdict: 'warning',
        text: `no server of this store holds a lock to tell by; taken as ${locks}`,
        advice: 'check again while Cyrus runs here; cyr_buildinfo names it (lock), and the setting is locks',
      },
    ];
  }
  if (kind !== locks) {
    return [
      {
        check: 'lock kind',
        verdict: 'problem',
        text: `Cyrus locks with ${kind}, and we with ${locks}: neither sees the other`,
        advice: `set locks = ${kind} in the settings`,
      },
    ];
  }
  return [{ check: 'lock kind', verdict: 'ok', text: `Cyrus locks with ${kind}, and so do we` }];
}

/**
 * The pure part: lines such as `1: POSIX  ADVISORY  WRITE 1234 00:1a:5678 0 EOF`.
 *
 * @param files as `MAJOR:MINOR:INODE`, the first two in hexadecimal
 */
export function heldKinds(procLocks: string, files: ReadonlySet<string>): Set<Host['locks']> {
  const held = new Set<Host['locks']>();
  for (const line of procLocks.split('\n')) {
    const [, kind = '', file = ''] =
      /^\d+: (?:-> )?(\w+) +\w+ +\w+ +-?\d+ ([0-9a-f]+:[0-9a-f]+:\d+) /.exec(line) ?? [];
    const mechanism = KINDS[kind];
    if (mechanism !== undefined && files.has(file)) held.add(mechanism);
  }
  return held;
}

/** Device numbers as the kernel packs them for stat(2). */
function lockedAs({ dev, ino }: Stats): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const hex = (number: number): string => number.toString(16).padStart(2, '0');
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

/** Where packages and Cyrus itself put it, and what a `master` with this configuration was told (-p). */
function masterPidFiles(configdirectory: string): string[] {
  const usual = ['/run/cyrus-master.pid', '/run/cyrus/cyrus-master.pid', '/var/run/cyrus-master.pid'];
  const told = namesOf('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => (textOf(`/proc/${pid}/cmdline`) ?? '').split('\0'))
    .filter(([program]) => program !== undefined && /(^|\/)(cyr)?master$/.test(program))
    .flatMap((words) => words.slice(words.indexOf('-p') + 1, words.indexOf('-p') + 2));
  // Another Cyrus of this host may be built in another way.
  const ours = told.filter((path) => configdirectory.startsWith(path.slice(0, path.lastIndexOf('/') + 1)));
  return [...(ours.length > 0 ? ours : told.length <= 1 ? [...told, ...usual] : [])];
}

/** Beside these lies a socket for each IMAP session of the moment: thousands, and none of them is locked. */
function locksOfServices(directory: string): string[] {
  return namesOf(directory)
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join(directory, name));
}

function namesOf(directory: string): string[] {
  return quietly(() => readdirSync(directory)) ?? [];
}

function textOf(path: string): string | undefined {
  return quietly(() => readFileSync(path, 'latin1'));
}

function statOf(path: string): Stats | undefined {
  return quietly(() => statSync(path));
}

/** Processes come and go, and what is not to be seen tells nothing. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (caught) {
    if (caught instanceof Error && 'syscall' in caught) return undefined;
    throw caught;
  }
}
