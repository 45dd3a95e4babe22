import type { ByteString } from '../../byte-string.ts';
import type { SyncEvent } from '../events.ts';

/**
 * The line that `-v` prints on stdout and `-l` sends to syslog, word for word the C client's lines (algorithm 11.1).
 * Byte strings in, byte string out.
 */
export function verboseLine(event: SyncEvent): ByteString | undefined {
  switch (event.kind) {
    case 'connection:open':
      return event.sieveMailbox ? 'ENABLE 0x800' : undefined;
    case 'user:start':
      if (event.work === 'mailboxes') return undefined;
      return `${event.work === 'meta' ? 'META' : 'USER'} ${event.user}`;
    case 'user:absent':
      return `Does not exist locally ${event.user}`;
    case 'command:mailboxes':
      return ['MAILBOXES', ...event.names].join(' ');
    case 'command:mailbox':
      return `${event.local ? 'LOCAL_' : ''}MAILBOX ${event.name}`;
    case 'command:fullmailbox':
      return `FULLMAILBOX ${event.name}`;
    case 'command:rename':
      return `${event.local ? 'LOCAL_' : ''}RENAME ${event.oldName} -> ${event.newName} (${event.partition})`;
    case 'command:unmailbox':
      return `${event.local ? 'LOCAL_' : ''}UNMAILBOX ${event.name}`;
    case 'command:quota':
      return `QUOTA ${event.root}`;
    case 'command:unquota':
      return `UNQUOTA ${event.root}`;
    case 'command:sub':
      return `SUB ${event.user} ${event.name}`;
    case 'command:unsub':
      return `UNSUB ${event.user} ${event.name}`;
    case 'command:seen':
      return `SEEN ${event.user} ${event.uniqueid}`;
    case 'command:sieve':
      return `SIEVE ${event.user} ${event.filename}`;
    case 'command:unsieve':
      return `UNSIEVE ${event.user} ${event.filename}`;
    case 'command:activate-sieve':
      return `ACTIVATE_SIEVE ${event.user} ${event.filename}`;
    case 'command:unactivate-sieve':
      return `UNACTIVATE_SIEVE ${event.user}`;
    case 'command:annotation':
      return `ANNOTATION ${event.name} ${event.entry} ${event.user}`;
    case 'command:unannotation':
      return `UNANNOTATION ${event.name} ${event.entry} ${event.user}`;
    default:
      return undefined;
  }
}
