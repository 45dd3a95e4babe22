import type { SyncEvent } from '../events.ts';
import type { PartOf } from '../part-of.ts';
import { printableBytes } from '../printable.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';

/** Tells programs whom a log line is about: null where it is about none. Lines of a fleet have its name, wave and slice as well. */
export interface LogAbout extends Partial<PartOf> {
  /** One execution of the command. */
  run: string;
  channel: string | null;
  event: string;
  user: string | null;
  mailbox: string | null;
  phase: string | null;
  code: string | null;
}

/** Finds in an event what its log lines are about. */
export function logAbout(
  event: SyncEvent,
  {
    run,
    part,
    channel,
    spellMailbox,
  }: { run: string; part?: PartOf | undefined; channel: string | undefined; spellMailbox: SpellMailbox },
): LogAbout {
  const error = 'error' in event ? event.error : undefined;
  const user = 'user' in event ? event.user : error?.user;
  const mailbox = mailboxOf(event) ?? error?.mailbox;
  return {
    run,
    ...part,
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
