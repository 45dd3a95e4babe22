import type { ByteString } from '../../byte-string.ts';
import type { ActionName, Backlog, RollingEvent, WhyParked } from '../events.ts';
import { codedReason } from '../reasons.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { LogLine } from './log-line.ts';

const PARKED: Readonly<Record<WhyParked, string>> = {
  locked: 'is being synced elsewhere, waiting for its lock',
  skipped: 'is skipped as asked, its changes wait',
  'skip-file': 'is skipped by its skipuser file, its changes wait',
};

/** The log's lines on rolling mode, in the C client's words where it has some (algorithm 11.3). */
export function rollingLines(event: RollingEvent, spell: SpellMailbox): LogLine[] {
  switch (event.kind) {
    case 'rolling:pass':
    case 'rolling:replicated':
      return [];
    case 'rolling:leftover':
      return [{ level: 'notice', text: `Reprocessing sync log file ${event.file}` }];
    case 'rolling:promoted': {
      const text = `  Promoting: ${actionText(event.from)} -> ${actionText(event.to)}`;
      return [{ level: 'info', text }];
    }
    case 'rolling:deferred':
      return [{ level: 'info', text: `  Deferred: ${event.line}` }];
    case 'rolling:not-deferred':
      return [{ level: 'error', text: `locked users are parked: ${event.error.message}` }];
    case 'rolling:restarted':
      return [{ level: 'info', text: 'sync_client RESTART succeeded' }];
    case 'rolling:restart-failed':
      return [{ level: 'error', text: `sync_client RESTART failed: ${event.error.message}` }];
    case 'rolling:take-failed': {
      const text = `Processing sync log file ${event.file} failed: ${event.error.message}`;
      return [{ level: 'error', text }];
    }
    case 'rolling:file-failed':
      return [{ level: 'error', text: event.error.message }];
    case 'rolling:bad-line': {
      const { file, line, expected, found } = event;
      return [{ level: 'error', text: `${file} line ${line} skipped: expected ${expected}, found ${found}` }];
    }
    case 'rolling:retry': {
      const text = `will try '${event.user}' again in ${seconds(event.delayMs)}: ${codedReason(event.error, spell)}`;
      return [{ level: 'notice', text }];
    }
    case 'rolling:quarantined': {
      const { user, failures, delayMs, error } = event;
      const text =
        `'${user}' is in quarantine after ${failures} failures, ` +
        `next try in ${seconds(delayMs)}: ${codedReason(error, spell)}`;
      return [{ level: 'error', text }];
    }
    case 'rolling:damaged': {
      const text = `'${event.user}' is replicated but for messages that are damaged here: ${codedReason(event.error, spell)}`;
      return [{ level: 'notice', text }];
    }
    case 'rolling:released':
      return [{ level: 'notice', text: `'${event.user}' is synced again and out of quarantine` }];
    case 'rolling:parked': {
      return [{ level: 'info', text: `'${event.user}' ${PARKED[event.why]}` }];
    }
    case 'rolling:full-pass': {
      const { jobs, untold, elapsedMs, error } = event;
      if (error) return [{ level: 'error', text: `full pass: ended early: ${codedReason(error, spell)}` }];
      return [
        { level: 'info', text: `full pass: ${jobs - untold} of ${jobs} compared in ${seconds(elapsedMs)}` },
      ];
    }
    case 'rolling:backlog':
      return [{ level: 'info', text: backlogText(event.backlog) }];
  }
}

/** One line for the log and for SIGUSR1. */
export function backlogText(backlog: Backlog): string {
  const { channel, lines, oldestMs, inFlight, waiting, locked, quarantined, lastSuccess, link } = backlog;
  const quarantine = quarantined.map(({ user }) => user).join(' ');
  return [
    `backlog: channel=<${channel ?? ''}> link=<${link}> lines=<${lines}>`,
    `oldest=<${oldestMs === undefined ? '' : seconds(oldestMs)}> inflight=<${inFlight}> waiting=<${waiting}>`,
    `locked=<${locked}> quarantined=<${quarantine}>`,
    `lastsuccess=<${lastSuccess === undefined ? '' : new Date(lastSuccess).toISOString()}>`,
  ].join(' ');
}

function actionText({ type, operands }: ActionName): ByteString {
  return [type, ...operands].join(' ');
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
