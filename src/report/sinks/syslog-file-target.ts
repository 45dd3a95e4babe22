import { closeSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import type { LogLevel } from '../words/log-line.ts';

/**
 * Log lines appended to a file as syslogd would write them (`CASSANDANE_SYSLOG_FNAME`). Each is one write, so that
 * several processes can share the file.
 */
export function syslogFileTarget(
  path: string,
  ident: string,
): ((level: LogLevel, text: string) => void) & Disposable {
  const file = openSync(path, 'a');
  const host = hostname();
  const target = (_level: LogLevel, text: string): void => {
    writeSync(file, `${syslogTime(new Date())} ${host} ${ident}[${process.pid}]: ${text}\n`);
  };
  return Object.assign(target, { [Symbol.dispose]: () => closeSync(file) });
}

/** RFC 3164: `Nov  4 06:51:39`, local time. */
function syslogTime(date: Date): string {
  const month = date.toLocaleString('en-US', { month: 'short' });
  const day = String(date.getDate()).padStart(2);
  return `${month} ${day} ${date.toTimeString().slice(0, 8)}`;
}
