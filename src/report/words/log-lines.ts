/**
 * The door of `report/words`. Here events become lines for people: those of syslog, of `-v`, of the end of a run. The C client's words
 * are here and nowhere else. Everything is a pure function of an event, and nothing is written from here.
 */

import { differenceLine } from '../difference.ts';
import type { MailboxEvent, RollingEvent, SyncEvent } from '../events.ts';
import { spellNames } from '../name-in-text.ts';
import { codedReason, reasonOf } from '../reasons.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import {
  connectionLine,
  failedCall,
  illnessLine,
  type ModeName,
  outOfFilesLine,
  subject,
} from './error-lines.ts';
import { exposureText } from './exposures.ts';
import type { LogLine } from './log-line.ts';
import { mailboxLines } from './mailbox-lines.ts';
import { rollingLines } from './rolling-lines.ts';
import { statusLine } from './status-line.ts';
import { steeredLine } from './steered-line.ts';
import { unmendedLine } from './verify-lines.ts';

export interface LogContext {
  mode: ModeName;
  channel: string | undefined;
  server: string;
  spellMailbox: SpellMailbox;
}

/**
 * The log's lines on an event: the C client's words and levels wherever it has some, so that alerts on them go on
 * working (algorithm 11.3). A run without trouble logs nothing.
 */
export function logLines(event: SyncEvent, context: LogContext): LogLine[] {
  return linesOf(event, context).map(({ level, text }) => ({
    level,
    text: spellNames(text, context.spellMailbox),
  }));
}

function linesOf(event: SyncEvent, context: LogContext): LogLine[] {
  const { spellMailbox: spell } = context;
  switch (event.kind) {
    case 'run:warning':
      return [{ level: 'warning', text: `${event.text}; ${event.hint}` }];
    case 'run:stopping':
      return [{ level: 'notice', text: 'graceful shutdown' }];
    case 'user:failed': {
      const { mode, channel, server } = context;
      const about = event.work === 'mailboxes' ? 'mailbox' : 'userid';
      const what = event.work === 'mailboxes' ? 'mailbox' : 'user';
      const who = event.work === 'mailboxes' ? (event.error.mailbox ?? '') : event.user;
      return [
        {
          level: 'error',
          text:
            `IOERROR: ${what} replication failed: error=<${codedReason(event.error, spell)}> ` +
            `${about}=<${who}> channel=<${channel ?? ''}> servername=<${server}>`,
        },
        { level: 'error', text: `Error in ${failedCall(mode, subject(event))}: bailing out!` },
      ];
    }
    case 'user:locked':
      return event.mailboxes
        ? event.mailboxes.map((name) => ({ level: 'notice', text: `Skipping locked mailbox ${name}` }))
        : [{ level: 'notice', text: `Skipping locked user ${event.user}` }];
    case 'connection:failed': {
      const { error, retryInSeconds } = event;
      // Its message is already in the C client's words: `connect(X) failed: ...`, `couldn't authenticate ...`.
      const next = retryInSeconds === undefined ? '' : `; next try in ${retryInSeconds} seconds`;
      const lines: LogLine[] = [{ level: 'error', text: `${reasonOf(error, spell)}${next}` }];
      if (retryInSeconds === undefined) {
        const text = connectionLine(event);
        if (text !== undefined) lines.push({ level: 'error', text });
      }
      return lines;
    }
    case 'replica:ill':
      return [{ level: 'error', text: illnessLine(event) }];
    case 'user:scripts-as-files': {
      const text = `the scripts of ${event.user} stay files on the master and are sent one by one: ${event.error.message}`;
      return [{ level: 'notice', text }];
    }
    case 'connection:exposed':
      return [{ level: 'warning', text: exposureText(event) }];
    case 'replica:closed-idle':
      return [{ level: 'info', text: `${event.server} closed the idle connection` }];
    case 'replica:full': {
      const text = `'${event.server}' takes no more connections, going on with ${event.connections}`;
      return [{ level: 'notice', text }];
    }
    case 'replica:no-archive': {
      const text = `'${event.server}' cannot stage on its archive partition; going on without`;
      return [{ level: 'notice', text }];
    }
    case 'master:said':
      return [{ level: 'warning', text: `master's sync_server: ${event.line}` }];
    case 'thread:failed':
      return [{ level: 'error', text: `worker thread failed: ${event.error.message}` }];
    case 'host:out-of-files':
      return [{ level: 'error', text: outOfFilesLine(event) }];
    case 'connection:lost':
      return [
        {
          level: 'warning',
          text: `connection to '${event.server}' lost: ${codedReason(event.error, spell)}`,
        },
      ];
    case 'connection:compressed': {
      const { server, level, rate } = event;
      const text = `compressing to '${server}' from now on (level ${level}): the link takes ${Math.round(rate / 1000)} kB/s`;
      return [{ level: 'info', text }];
    }
    case 'hook:ended': {
      const { hook, program, code, reason, elapsedMs } = event;
      const how = `${hook}: ${program} ended ${code === undefined ? '' : `with ${code} `}after ${(elapsedMs / 1_000).toFixed(1)} s`;
      return [
        { level: code === 0 ? 'info' : 'error', text: reason === undefined ? how : `${how}: ${reason}` },
      ];
    }
    case 'hook:left-out':
      return [
        { level: 'warning', text: `${event.hook}: not called, as ${event.most} programs wait already` },
      ];
    case 'run:settings-read': {
      const parts = [
        ...(event.now.length > 0 ? [`changed: ${event.now.join(', ')}`] : []),
        ...(event.later.length > 0 ? [`changed, from the next start on: ${event.later.join(', ')}`] : []),
      ];
      return [{ level: 'notice', text: `settings read again: ${parts.join('; ') || 'nothing changed'}` }];
    }
    case 'run:steered':
      return [{ level: 'notice', text: steeredLine(event) }];
    case 'run:status':
      return [{ level: 'info', text: statusLine(event.status) }];
    case 'run:retry': {
      const { user, delayMs, error } = event;
      return [
        { level: 'notice', text: `will try '${user}' again in ${delayMs} ms: ${codedReason(error, spell)}` },
      ];
    }
    case 'run:parked':
      return [{ level: 'info', text: `'${event.user}' is being synced elsewhere, waiting for its lock` }];
    case 'annotations:of-server-refused':
      return [
        { level: 'notice', text: 'left out: annotations of the server: the replica has no place for them' },
      ];
    case 'verify:difference':
      return [{ level: 'warning', text: `differs: ${differenceLine(event.difference, spell)}` }];
    case 'verify:unmended':
      return [{ level: 'warning', text: unmendedLine(event, spell) }];
    case 'verify:verdict':
      if (event.verdict !== 'repaired') return [];
      return [{ level: 'notice', text: `repaired, and the same on both sides now: '${event.user}'` }];
    default:
      if (isRolling(event)) return rollingLines(event, spell);
      return isMailbox(event) ? mailboxLines(event) : [];
  }
}

function isRolling(event: SyncEvent): event is RollingEvent {
  return event.kind.startsWith('rolling:');
}

function isMailbox(event: SyncEvent): event is MailboxEvent {
  return /^(mailbox|message):/.test(event.kind);
}
