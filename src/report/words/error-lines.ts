import type { ByteString } from '../../byte-string.ts';
import type { RunEvent, SyncEvent, UserEvent } from '../events.ts';
import { asItIs, reasonWithHint } from '../reasons.ts';
import type { ErrorData } from '../sync-error.ts';
import { whyNoMore } from './why-no-more.ts';

type OutOfFilesEvent = Extract<SyncEvent, { kind: 'host:out-of-files' }>;
type IllnessEvent = Extract<SyncEvent, { kind: 'replica:ill' }>;

export type ModeName = Extract<RunEvent, { kind: 'run:start' }>['mode'];

/** stderr whether or not `-v` is given (algorithm 11.2). */
export function connectionLine(event: SyncEvent): string | undefined {
  if (event.kind === 'replica:ill') return illnessLine(event);
  if (event.kind === 'host:out-of-files') return outOfFilesLine(event);
  if (event.kind !== 'connection:failed') return undefined;
  const { server, error, retryInSeconds } = event;
  if (retryInSeconds !== undefined) {
    return `Can not connect to server '${server}', retrying in ${retryInSeconds} seconds: ${reasonWithHint(error, asItIs)}`;
  }
  return error.code === 'COMPRESSION_UNAVAILABLE'
    ? `Failed to enable compression to server '${server}'`
    : `Can not connect to server '${server}'`;
}

/** The connection could be made, so that the C client's words would not be true. */
export function illnessLine({ server, error, retryInSeconds }: IllnessEvent): string {
  const next = retryInSeconds === undefined ? 'giving up' : `next try in ${retryInSeconds} seconds`;
  return `Server '${server}' loses every connection, ${next}: ${reasonOfAll(error)}`;
}

export function outOfFilesLine({ limit, error, retryInSeconds }: OutOfFilesEvent): string {
  const ours = limit === undefined ? '' : ` (limit of this process: ${limit})`;
  return `No more open files${ours}, going on with fewer users at once in ${retryInSeconds} seconds: ${reasonOfAll(error)}`;
}

/** Whoever happened to be at work has nothing to do with it. */
function reasonOfAll(error: ErrorData): string {
  return reasonWithHint({ ...error, mailbox: undefined, alsoMailboxes: undefined }, asItIs);
}

/** stderr with `-v`. */
export function diagnosticLines(event: SyncEvent, mode: ModeName): ByteString[] {
  switch (event.kind) {
    case 'user:locked': {
      const lines = event.mailboxes
        ? event.mailboxes.map((name) => `Skipping locked mailbox ${name}`)
        : [`Skipping locked user ${event.user}`];
      // To `-u` and `-m` it is a failure like any other.
      if (mode !== 'all') lines.push(`Error from ${failedCall(mode, event.user)}: bailing out!`);
      return lines;
    }
    case 'user:failed':
      return [`Error from ${failedCall(mode, subject(event))}: bailing out!`];
    case 'run:end': {
      const { most, why } = event.summary.connections;
      return most === 0 ? [] : [`connections=<${most}> (${whyNoMore(why)})`];
    }
    default:
      return [];
  }
}

/** The C function that its messages name as the one that failed. */
export function failedCall(mode: ModeName, subject: ByteString): ByteString {
  switch (mode) {
    case 'all':
      return `do_user(${subject})`;
    case 'users':
      return `sync_do_user(${subject})`;
    case 'meta':
      return `sync_do_meta(${subject})`;
    case 'mailboxes':
      return 'sync_do_mailboxes()';
  }
}

/** Whom or what a failure is about: the user, or the mailbox where there is no user. */
export function subject(event: Extract<UserEvent, { kind: 'user:failed' }>): ByteString {
  return event.user === '' ? (event.error.mailbox ?? '') : event.user;
}
