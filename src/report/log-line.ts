import type { ByteString } from '../byte-string.ts';

export type LogLevel = 'error' | 'warning' | 'notice' | 'info' | 'debug';

export interface LogLine {
  level: LogLevel;
  text: ByteString;
}
