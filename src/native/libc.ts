/**
 * The door of `native`. Here is all that touches the kernel and libc directly: file locks and the lock scope, opening
 * files, syslog(3), signals, the unix socket for a private server, processor time. It may know errors and nothing else of
 * the program, and loads koffi at the first call. A lock is held only while a function runs that cannot await; opening
 * never waits; every failure is a `SyncError` with the call or the path in it.
 */

import { createRequire } from 'node:module';
import type { default as koffi, LibraryHandle } from 'koffi';
import { SyncError } from '../report/sync-error.ts';
import { koffiBinary } from './koffi-binary.ts';

export interface Libc {
  /** The classic int result: -1 on failure, with `errno()` set. */
  fcntlLock(fd: number, command: number, lock: Buffer): number;
  /** Its result is like that of `fcntlLock`. */
  flock(fd: number, operation: number): number;
  errno(): number;
  openlog(ident: unknown, option: number, facility: number): void;
  syslog(priority: number, text: string): void;
  closelog(): void;
  /** 0, or -1 on failure. */
  sigaction(signal: number, action: Buffer | null, previous: Buffer | null): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  listen(fd: number, backlog: number): number;
  /** Octets sent, or -1. */
  sendto(fd: number, data: Buffer, length: number, flags: number, to: Buffer, toLength: number): number;
  close(fd: number): number;
  /** Its result is like that of `sigaction`. */
  getrusage(who: number, usage: Buffer): number;
  strdup(text: string): unknown;
  free(pointer: unknown): void;
}

let loaded: Libc | undefined;

/** Loaded at the first call: koffi costs start-up time that a run which never gets as far as a lock must not pay. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

/** struct flock and the lock commands are laid out as there (store 2.6). */
const NARROW = ['arm', 'ia32', 'mips', 'mipsel'];

function load(): Libc {
  if (process.platform !== 'linux' || NARROW.includes(process.arch)) {
    throw new SyncError('CONFIG', `expected 64-bit Linux, found ${process.platform} on ${process.arch}`, {
      phase: 'start',
      hint: 'run this on the host of the Cyrus master, with a 64-bit Node',
    });
  }
  const foreign = loadKoffi();
  // The process itself: libc is in it under whatever file name this system gives it.
  const library = foreign.load(null);
  const later = (prototype: string): ReturnType<LibraryHandle['func']> => whenCalled(library, prototype);
  const fcntl = later('int fcntl(int fd, int cmd, ...)');
  const syslog = later('void syslog(int priority, const char *format, ...)');
  return {
    fcntlLock: (fd, command, lock) => fcntl(fd, command, 'void *', lock) as number,
    flock: later('int flock(int fd, int operation)'),
    errno: () => foreign.errno(),
    openlog: later('void openlog(const void *ident, int option, int facility)'),
    syslog: (priority, text) => void syslog(priority, '%s', 'const char *', text),
    closelog: later('void closelog()'),
    sigaction: later('int sigaction(int signal, const void *action, void *previous)'),
    socket: later('int socket(int domain, int type, int protocol)'),
    bind: later('int bind(int fd, const void *address, uint32_t length)'),
    listen: later('int listen(int fd, int backlog)'),
    sendto: later(
      'intptr_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)',
    ),
    close: later('int close(int fd)'),
    getrusage: later('int getrusage(int who, void *usage)'),
    strdup: later('void *strdup(const char *text)'),
    free: later('void free(void *pointer)'),
  };
}

/** Reading a prototype takes its time, and most runs call few of these. */
function whenCalled(library: LibraryHandle, prototype: string): ReturnType<LibraryHandle['func']> {
  let call: ReturnType<LibraryHandle['func']> | undefined;
  const first = (...values: unknown[]): unknown => {
    call ??= library.func(prototype);
    return call(...values);
  };
  return first as ReturnType<LibraryHandle['func']>;
}

/** After the binary come those who find it anywhere. */
function namesOfKoffi(): string[] {
  const binary = koffiBinary(import.meta.dirname);
  return [...(binary === undefined ? [] : [binary]), `@koromix/koffi-linux-${process.arch}`, 'koffi'];
}

function loadKoffi(): typeof koffi {
  const load = createRequire(import.meta.filename);
  let reason: unknown;
  for (const name of namesOfKoffi()) {
    try {
      return load(name) as typeof koffi;
    } catch (caught) {
      // This package manager, or this platform, has it elsewhere.
      reason = caught;
    }
  }
  throw new SyncError('CONFIG', `koffi cannot be loaded: ${SyncError.from(reason).message}`, {
    phase: 'start',
    hint: `install this program again on this host, where this user can read it: koffi brings one binary for each platform (here ${process.platform} on ${process.arch})`,
    cause: reason,
  });
}
