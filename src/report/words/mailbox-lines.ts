import type { ByteString } from '../../byte-string.ts';
import type { MailboxEvent } from '../events.ts';
import { nameInText } from '../name-in-text.ts';
import type { LogLine } from './log-line.ts';

/**
 * The log's lines on a mailbox, in the C client's words where it has some (algorithm 11.3). Those have names as Cyrus files them,
 * ours as the administrator types them.
 */
export function mailboxLines(event: MailboxEvent): LogLine[] {
  switch (event.kind) {
    case 'mailbox:merged':
      return [];
    case 'mailbox:conversations-uncounted':
      return [{ level: 'debug', text: `the replica counts no conversations of ${nameInText(event.name)}` }];
    case 'mailbox:replica-only': {
      const { name, uniqueid, inDeleted } = event;
      const text = `do_folders: no tombstone for deleted mailbox ${name} (${uniqueid}), left alone on the replica`;
      // What cyr_expire removed of DELETED here stays there until the replica's own cyr_expire runs.
      return [{ level: inDeleted ? 'debug' : 'notice', text }];
    }
    case 'mailbox:diverged':
      return [divergedLine(event)];
    case 'message:merged':
      return mergedLines(event);
    case 'mailbox:checksum-stale': {
      const { name, stored, counted } = event;
      const text =
        `the checksum in the index of ${nameInText(name)} is not that of its records: ` +
        `SYNC_CRC ${stored.crcBasic}/${stored.crcAnnotations} there, ` +
        `${counted.crcBasic}/${counted.crcAnnotations} counted and taken; reconstruct corrects it`;
      return [{ level: 'notice', text }];
    }
    case 'mailbox:no-tombstone':
      return [
        { level: 'notice', text: `SYNCNOTICE: attempt to UNMAILBOX without a tombstone ${event.name}` },
      ];
    case 'mailbox:name-too-long': {
      const { name, longestName, inDeleted } = event;
      const text = `left out: ${nameInText(name)}: its name has ${name.length} octets, and the replica opens none of more than ${longestName}`;
      return [{ level: inDeleted ? 'notice' : 'error', text }];
    }
    case 'mailbox:unknown-there': {
      const text = `left out: ${nameInText(event.name)}: it holds JMAP notifications, which the replica's Cyrus does not have`;
      return [{ level: 'notice', text }];
    }
    case 'mailbox:blocked':
      return [{ level: 'error', text: blockedText(event) }];
    case 'mailbox:failed':
      return [
        { level: 'error', text: `do_folders(): update failed: ${event.name} '${event.error.message}'` },
      ];
    case 'mailbox:part-unread':
      return [{ level: 'error', text: `${event.error.message}; on the replica this part stays as it is` }];
    case 'message:damaged': {
      const { uid, path, cause } = event.damage;
      return [
        { level: 'error', text: `left out: ${nameInText(event.name)}: message ${uid}: ${path}: ${cause}` },
      ];
    }
    case 'mailbox:held-back': {
      const { above, names } = event;
      const which =
        names.length === 1 ? names.map(nameInText).join('') : `${names.length} mailboxes below it`;
      return [
        {
          level: 'error',
          text: `do_folders(): not sent, because ${nameInText(above)} is not on the replica: ${which}`,
        },
      ];
    }
  }
}

function divergedLine({
  name,
  reason,
  detail,
}: Extract<MailboxEvent, { kind: 'mailbox:diverged' }>): LogLine {
  switch (reason) {
    case 'cleaned-up-on-master':
      return { level: 'notice', text: `inefficient replication (${detail}) ${name}` };
    case 'checksum-refused':
    case 'crc-differs-at-same-modseq':
    case 'crc-differs-below-append':
      return { level: 'error', text: `CRC failure on sync for ${name}, trying full update` };
    default:
      return { level: 'notice', text: `SYNCNOTICE: ${name} has diverged (${detail}), trying full update` };
  }
}

function mergedLines(event: Extract<MailboxEvent, { kind: 'message:merged' }>): LogLine[] {
  const { name, uid, rule, masterGuid, replicaGuid } = event;
  const both = masterGuid !== undefined && replicaGuid !== undefined;
  if (both && masterGuid !== replicaGuid) {
    const text = `SYNCERROR: guid mismatch: mailbox=<${name}> uid=<${uid}> rguid=<${replicaGuid}> mguid=<${masterGuid}>`;
    return [{ level: 'error', text }];
  }
  const notice = (text: ByteString): LogLine[] => [{ level: 'notice', text: `SYNCNOTICE: ${text}` }];
  switch (rule) {
    case 'replica-newer':
      return notice(`record mismatch with replica: ${name} more recent on replica uid:${uid}`);
    case 'master-kept':
      return notice(`record mismatch with replica: ${name} more recent on master uid:${uid}`);
    case 'modseq-bumped':
      return notice(`bumping modseq: mailbox=<${name}> uid=<${uid}>`);
    default: {
      if (both) return [];
      const side = masterGuid === undefined ? 'replica' : 'master';
      return notice(`record only exists on ${side}: mailbox=<${name}> uid=<${uid}>`);
    }
  }
}

/** The refusal in the words of the C client, which learns of it by sending the command. */
function blockedText(event: Extract<MailboxEvent, { kind: 'mailbox:blocked' }>): ByteString {
  const { name, command, uniqueid, otherUniqueid } = event;
  const what =
    command === 'MAILBOX'
      ? `the replica has another mailbox of this name: uniqueid ${uniqueid} here, ${otherUniqueid} there`
      : `it has to be renamed on the replica, where another mailbox (uniqueid ${otherUniqueid}) has its name`;
  return `${command} received NO response: IMAP_MAILBOX_MOVED (foreseen, so not sent): ${nameInText(name)}: ${what}`;
}
