import type { ByteString } from '../../byte-string.ts';
import { type Encoded, encodeKvlist, encodeNumber, encodeString, encodeStrings } from '../dlist/encoders.ts';
import { MAX_RECORDS_ANSWER_OCTETS } from '../limits.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type {
  MeantMailbox,
  OnUnusable,
  ReplicaMailbox,
  ReplicaSession,
  SessionInfo,
  WireMailbox,
} from '../replica-session.ts';
import { apply } from './apply.ts';
import { dispatch } from './dispatch.ts';
import { unaskedOfMailbox } from './fields.ts';
import { FullMailbox } from './full-mailbox.ts';
import { ifNonexistent } from './if-nonexistent.ts';
import { decodeUsableMailbox, encodeMailbox, type Told } from './mailbox-lines.ts';

type MailboxCommands = Pick<
  ReplicaSession,
  'getMailboxes' | 'getUniqueids' | 'getFullMailbox' | 'applyMailbox' | 'applyRename' | 'applyUnmailbox'
>;

/** Commands that read, create, change, rename and remove mailboxes (protocol 9, 10). */
export function mailboxCommands(
  queue: CommandQueue,
  info: Taken & Pick<SessionInfo, 'unmailboxTakesId'>,
): MailboxCommands {
  return {
    getMailboxes: (names, onUnusable) =>
      getList(queue, info, 'MAILBOXES', names, ({ name }) => name, onUnusable),
    getUniqueids: (uniqueids) => getList(queue, info, 'UNIQUEIDS', uniqueids, ({ uniqueid }) => uniqueid),

    getFullMailbox(name, onRecord) {
      const answer = new FullMailbox(name, info, onRecord);
      return queue.submit({
        verb: 'GET',
        name: 'FULLMAILBOX',
        mailbox: name,
        args: () => `FULLMAILBOX ${encodeString(name)}`,
        valueOptions: {
          streamKey: 'RECORD',
          onItem: (item) => answer.record(item),
          maxMemoryOctets: MAX_RECORDS_ANSWER_OCTETS,
        },
        untagged: dispatch({ MAILBOX: (value) => answer.mailbox(value) }),
        result: () => answer.result(),
      });
    },

    applyMailbox: (mailbox, records) =>
      queue.submit({
        verb: 'APPLY',
        name: 'MAILBOX',
        mailbox: mailbox.name,
        args: encodeMailbox(asTaken(mailbox, info), records),
        stores: 1,
        result: () => {},
      }),

    applyRename: (rename) =>
      apply(queue, rename.local ? 'LOCAL_RENAME' : 'RENAME', () =>
        encodeKvlist([
          ['OLDMBOXNAME', encodeString(rename.oldName)],
          ['NEWMBOXNAME', encodeString(rename.newName)],
          ['PARTITION', encodeString(rename.partition)],
          ['UIDVALIDITY', encodeNumber(rename.uidvalidity)],
        ]),
      ),

    applyUnmailbox: (name, local = false, meant) =>
      apply(
        queue,
        local ? 'LOCAL_UNMAILBOX' : 'UNMAILBOX',
        // A row without storage is listed without the UIDVALIDITY that it has.
        () =>
          meant !== undefined && info.unmailboxTakesId && !meant.type.includes('i')
            ? unmailboxOf(name, meant)
            : encodeString(name),
        ifNonexistent(undefined),
      ),
  };
}

function unmailboxOf(name: ByteString, { uniqueid, uidvalidity }: MeantMailbox): Encoded {
  return encodeKvlist([
    ['MBOXNAME', encodeString(name)],
    ['UNIQUEID', encodeString(uniqueid)],
    ['UIDVALIDITY', encodeNumber(uidvalidity)],
  ]);
}

type Taken = Pick<SessionInfo, 'takesKeywords' | 'takesGroups' | 'takesDevelopmentFields'>;

const NO_DEVELOPMENT_FIELDS = {
  jmapid: undefined,
  indexVersion: undefined,
  compactEmailids: undefined,
  deletedmodseq: undefined,
};

/** The line without what the peer does not take. */
function asTaken(
  mailbox: WireMailbox,
  { takesKeywords, takesGroups, takesDevelopmentFields }: Taken,
): WireMailbox {
  return {
    ...mailbox,
    ...(takesDevelopmentFields ? {} : NO_DEVELOPMENT_FIELDS),
    keywords: takesKeywords ? mailbox.keywords : undefined,
    groups: takesGroups ? mailbox.groups : undefined,
  };
}

function getList(
  queue: CommandQueue,
  told: Told,
  name: 'MAILBOXES' | 'UNIQUEIDS',
  items: readonly ByteString[],
  askedAs: (mailbox: ReplicaMailbox) => ByteString,
  onUnusable?: OnUnusable,
): Promise<ReplicaMailbox[]> {
  const mailboxes: ReplicaMailbox[] = [];
  if (items.length === 0) return Promise.resolve(mailboxes);
  const asked = new Set(items);
  return queue.submit({
    verb: 'GET',
    name,
    args: () => `${name} ${encodeStrings([...asked])}`,
    untagged: dispatch({
      MAILBOX: (value) => {
        const mailbox = decodeUsableMailbox(value, told, onUnusable);
        if (mailbox === undefined) return;
        // Each at most once, which also bounds how many there can be.
        if (!asked.delete(askedAs(mailbox))) throw unaskedOfMailbox('the mailbox', mailbox.name);
        mailboxes.push(mailbox);
      },
    }),
    result: () => mailboxes,
    refused: ifNonexistent([]),
  });
}
