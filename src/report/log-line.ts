import type { ByteString } from '../byte-string.ts';
import type { NoticeEvent } from './events.ts';

export type LogLevel = NoticeEvent['level'];

export interface LogLine {
  level: LogLevel;
  text: ByteString;
}
