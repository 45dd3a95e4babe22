import { encodeKvlist, encodeList, encodeNumber, encodeString } from '../dlist/encode.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';
import { encodeMailbox } from './encode-mailbox.ts';
import { apply, goneIsFine } from './simple-apply.ts';

type MailboxCommands = Pick<
  ReplicaSession,
  'applyMailbox' | 'restoreMailbox' | 'applyExpunge' | 'applyRename' | 'applyUnmailbox' | 'applyUnuser'
>;

/** What creates, changes, renames and removes mailboxes (protocol 10). */
export function mailboxCommands(queue: CommandQueue): MailboxCommands {
  return {
    applyMailbox: (mailbox, records) =>
      queue.submit({
        verb: 'APPLY',
        name: 'MAILBOX',
        mailbox: mailbox.name,
        args: encodeMailbox(mailbox, records),
        result: () => {},
      }),

    restoreMailbox: (mailbox, records) =>
      queue.submit({
        verb: 'RESTORE',
        name: 'MAILBOX',
        mailbox: mailbox.name,
        args: encodeMailbox(mailbox, records),
        result: () => {},
      }),

    applyExpunge: (name, uniqueid, uids) =>
      apply(queue, 'EXPUNGE', () =>
        encodeKvlist([
          ['MBOXNAME', encodeString(name)],
          ['UNIQUEID', encodeString(uniqueid)],
          ['UID', encodeList(uids.map(encodeNumber))],
        ]),
      ),

    applyRename: (rename) =>
      apply(queue, rename.local ? 'LOCAL_RENAME' : 'RENAME', () =>
        encodeKvlist([
          ['OLDMBOXNAME', encodeString(rename.oldName)],
          ['NEWMBOXNAME', encodeString(rename.newName)],
          ['PARTITION', encodeString(rename.partition)],
          ['UIDVALIDITY', encodeNumber(rename.uidvalidity)],
        ]),
      ),

    applyUnmailbox: (name, local = false) =>
      apply(queue, local ? 'LOCAL_UNMAILBOX' : 'UNMAILBOX', () => encodeString(name), goneIsFine),

    // Always in its plain form, with -L too (protocol 10.17).
    applyUnuser: (userid) => apply(queue, 'UNUSER', () => encodeString(userid), goneIsFine),
  };
}
