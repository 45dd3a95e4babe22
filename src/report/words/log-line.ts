import type { ByteString } from '../../byte-string.ts';

export type LogLevel = 'error' | 'warning' | 'notice' | 'info' | 'debug';

export interface LogLine {
  level: LogLevel;
  text: ByteString;
}

/** pino's numbers, with syslog's NOTICE between INFO and WARNING. */
export const LOG_LEVELS: Record<LogLevel, number> = {
  error: 50,
  warning: 40,
  notice: 35,
  info: 30,
  debug: 20,
};
