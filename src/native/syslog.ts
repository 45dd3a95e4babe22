import { SyncError } from '../report/sync-error.ts';
import { libc } from './libc.ts';

const LOG_PID = 1;
const LOG_NDELAY = 8;
const LOG_PERROR = 32;

const LEVELS = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

const FACILITIES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    user: 1,
    mail: 2,
    daemon: 3,
    auth: 4,
    syslog: 5,
    lpr: 6,
    news: 7,
    uucp: 8,
    cron: 9,
    authpriv: 10,
    ftp: 11,
    local0: 16,
    local1: 17,
    local2: 18,
    local3: 19,
    local4: 20,
    local5: 21,
    local6: 22,
    local7: 23,
  }),
);

export interface SyslogOptions {
  /** Adds the process id, as Cyrus does. Default true. */
  pid?: boolean;
  /** Copies each line to stderr. Default false. */
  stderr?: boolean;
}

export interface Syslog {
  log(level: keyof typeof LEVELS, text: string): void;
  close(): void;
}

/**
 * syslog(3) of this process. There is one connection per process: a second openSyslog renames the first.
 *
 * @param facility `mail`, `local6`, ... in any case
 * @throws SyncError CONFIG for a facility that syslog(3) does not have
 */
export function openSyslog(ident: string, facility: string, options: SyslogOptions = {}): Syslog {
  const { pid = true, stderr = false } = options;
  const number = FACILITIES.get(facility.toLowerCase());
  if (number === undefined) {
    throw new SyncError(
      'CONFIG',
      `syslog facility: expected one of ${[...FACILITIES.keys()].join(', ')}; got ${facility}`,
    );
  }
  // openlog(3) keeps the pointer, not the text: it must outlive this call.
  const kept = libc().strdup(ident);
  libc().openlog(kept, (pid ? LOG_PID : 0) | (stderr ? LOG_PERROR : 0) | LOG_NDELAY, number << 3);
  let open = true;
  return {
    log(level, text) {
      // A NUL would end the line there.
      if (open) libc().syslog(LEVELS[level], text.replaceAll('\0', '?'));
    },
    close() {
      if (!open) return;
      open = false;
      libc().closelog();
      libc().free(kept);
    },
  };
}
