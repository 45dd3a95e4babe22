import type { EventListener } from '../../report/events.ts';
import { appendToLog } from './append-to-log.ts';
import { ChannelLog } from './channel-log.ts';
import { InputLog } from './input-log.ts';
import type { LogLine } from './log-line.ts';
import { type SyncLog, syncLogPath } from './sync-log.ts';

/** The channel's own log, or what -f names, read once. */
export type LogSource = { kind: 'log' } | { kind: 'file'; path: string } | { kind: 'standard-input' };

export function openLog(
  source: LogSource,
  configdirectory: string,
  channel: string | undefined,
  emit: EventListener,
): SyncLog {
  const path = syncLogPath(configdirectory, channel);
  if (source.kind === 'log') return new ChannelLog(path, emit);
  // What cannot be done now goes on through the channel's own log, if there is one.
  const relog = channel === undefined ? undefined : (lines: readonly LogLine[]) => appendToLog(path, lines);
  const date = (): number => Date.now();
  return source.kind === 'file'
    ? new InputLog(source.path, date, undefined, relog)
    : new InputLog('standard input', date, process.stdin, relog);
}
