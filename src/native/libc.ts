import { createRequire } from 'node:module';
import type koffi from 'koffi';

export interface Libc {
  /** The classic int result: -1 on failure, with `errno()` set. */
  fcntlLock(fd: number, command: number, lock: Buffer): number;
  errno(): number;
  openlog(ident: unknown, option: number, facility: number): void;
  syslog(priority: number, text: string): void;
  closelog(): void;
  strdup(text: string): unknown;
  free(pointer: unknown): void;
}

let loaded: Libc | undefined;

/** Loaded at the first call: koffi costs start-up time that a run which never gets as far as a lock must not pay. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const foreign = createRequire(import.meta.url)('koffi') as typeof koffi;
  // The process itself: libc is in it under whatever file name this system gives it.
  const library = foreign.load(null);
  const fcntl = library.func('int fcntl(int fd, int cmd, ...)');
  const syslog = library.func('void syslog(int priority, const char *format, ...)');
  return {
    fcntlLock: (fd, command, lock) => fcntl(fd, command, 'void *', lock) as number,
    errno: () => foreign.errno(),
    openlog: library.func('void openlog(const void *ident, int option, int facility)'),
    syslog: (priority, text) => void syslog(priority, '%s', 'const char *', text),
    closelog: library.func('void closelog()'),
    strdup: library.func('void *strdup(const char *text)'),
    free: library.func('void free(void *pointer)'),
  };
}
