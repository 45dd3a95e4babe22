import type { SyncEvent } from '../events.ts';
import { printableBytes } from '../printable.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';

/** Tells programs whom a log line is about: null where it is about none. */
export interface LogAbout {
  /** One execution of the command. */
  run: string;
  channel: string | null;
  event: SyncEvent['kind'];
  user: string | null;
  mailbox: string | null;
  phase: string | null;
  code: string | null;
}

/** Finds in an event what its log lines are about. */
export function logAbout(
  event: SyncEvent,
  { run, channel, spellMailbox }: { run: string; channel: string | undefined; spellMailbox: SpellMailbox },
): LogAbout {
  const error = 'error' in event ? event.error : undefined;
  const user = 'user' in event ? event.user : error?.user;
  const mailbox = mailboxOf(event) ?? error?.mailbox;
  return {
    run,
    channel: channel === undefined ? null : printableBytes(channel),
    event: event.kind,
    user: user === undefined || user === '' ? null : printableBytes(user),
    mailbox: mailbox === undefined || mailbox === '' ? null : printableBytes(spellMailbox(mailbox)),
    phase: error?.phase ?? null,
    code: error?.code ?? null,
  };
}

function mailboxOf(event: SyncEvent): string | undefined {
  const isOfMailbox = /^(mailbox|message|command):/.test(event.kind) && 'name' in event;
  return isOfMailbox && typeof event.name === 'string' ? event.name : undefined;
}
