import type { AgentEvent } from '../../fleet/agent/run-agent.ts';
import { partLabel } from '../../report/part-of.ts';
import { printable } from '../../report/printable.ts';
import { asItIs, reasonWithHint } from '../../report/reasons.ts';
import { jsonTarget, openLogFile } from '../../report/sinks/log-file.ts';
import type { LogTarget } from '../../report/sinks/log-sink.ts';
import type { LogLevel } from '../../report/words/log-line.ts';
import { onHangup } from '../start/signals.ts';
import { countOf } from './fleet-lines.ts';
import { complain } from './print.ts';
import { type AgentFiles, partOf } from './run-slice.ts';

const PROGRAM = 'cyrus-sync';

const LEVELS: Readonly<Record<AgentEvent['kind'], LogLevel>> = {
  ...{ begins: 'info', ends: 'info', lost: 'warning', 'gives-back': 'notice', fails: 'error' },
  ...{ 'queue-away': 'error', 'queue-back': 'notice' },
};

type AboutSlice = Extract<AgentEvent, { slice: unknown }>;

/** The lines of an agent itself, on standard error and in the file that the lines of its runs go to. */
export interface AgentLog extends Disposable {
  tell(event: AgentEvent): void;
}

/**
 * @param say writes a line to standard error
 * @throws SyncError USAGE if the log file cannot be opened
 */
export function openAgentLog(
  { logFile, logFormat = 'text', logToStderr }: AgentFiles,
  fleet: string,
  say: (text: string) => void = complain,
): AgentLog {
  const complainOf = (text: string): void => say(`${PROGRAM} fleet: ${text}`);
  const targets: LogTarget[] = [
    logToStderr && logFormat === 'json'
      ? jsonTarget({ write: (line) => say(line.trimEnd()) })
      : (_level, text) => say(`${PROGRAM} fleet: ${text}`),
  ];
  const file = logFile === undefined ? undefined : openLogFile(logFile, logFormat, PROGRAM, complainOf);
  if (file) targets.push(file.log);
  const hangup = onHangup(() => file?.reopen());
  return {
    tell(event) {
      const text = printable(line(event, fleet));
      const nothing = { channel: null, user: null, mailbox: null, phase: null };
      const about = {
        ...{ run: fleet, fleet, event: `agent:${event.kind}`, code: null, ...nothing },
        ...('error' in event && { code: event.error.code }),
        ...('slice' in event && {
          ...partOf(fleet, event.slice),
          run: partLabel(partOf(fleet, event.slice)),
        }),
      };
      for (const target of targets) target(LEVELS[event.kind], text, about);
    },
    [Symbol.dispose]() {
      hangup[Symbol.dispose]();
      file?.[Symbol.dispose]();
    },
  };
}

function line(event: AgentEvent, fleet: string): string {
  switch (event.kind) {
    case 'queue-away':
      return `${fleet}: ${reasonWithHint(event.error, asItIs)}`;
    case 'queue-back':
      return `${fleet}: the queue answers again`;
    default:
      return `${sliceText(event)} ${partLabel(partOf(fleet, event.slice))}: ${detailOf(event)}`;
  }
}

function sliceText({ kind }: AboutSlice): string {
  return {
    begins: 'begins',
    ends: 'done with',
    lost: 'has lost',
    'gives-back': 'gives back',
    fails: 'cannot do',
  }[kind];
}

function detailOf(event: AboutSlice): string {
  const { slice } = event;
  const where = `${countOf(slice.users.length, 'user')} of ${slice.master} to ${slice.replica}`;
  switch (event.kind) {
    case 'begins':
      return event.attempt === 1 ? where : `${where}, attempt ${event.attempt}`;
    case 'ends': {
      const count = (outcome: string): number =>
        event.result.users.filter((user) => user.outcome === outcome).length;
      return `${count('proven')} proven, ${count('again')} come again, ${count('needs-person')} need a person`;
    }
    case 'lost':
      return 'its lease ran out, another agent goes on with it';
    case 'gives-back':
    case 'fails':
      return event.why;
  }
}
