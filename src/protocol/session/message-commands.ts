import { GUID } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import {
  encodeFileHead,
  encodeGuid,
  encodeKvlist,
  encodeList,
  encodeNumber,
  encodeString,
  encodeStrings,
} from '../dlist/encoders.ts';
import { DlistFile } from '../dlist/value.ts';
import { giveUpMessages } from '../give-up-messages.ts';
import { MAX_ANSWER_OCTETS, MAX_FETCHED_MESSAGE_OCTETS } from '../limits.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { Piece } from '../link/output-queue.ts';
import type { MessageUpload, ReplicaSession } from '../replica-session.ts';
import { dispatch } from './dispatch.ts';
import { requireList, stringItems, unasked, unusable } from './fields.ts';

type MessageCommands = Pick<ReplicaSession, 'applyReserve' | 'applyMessages' | 'fetchMessage'>;

/** Octets of brackets, size and spaces around one file, for the count of what is in flight. */
const FILE_HEAD_OCTETS = 80;

/** Whole messages: into the replica's stage (protocol 10.1, 10.2), and back from its mailboxes (protocol 9). */
export function messageCommands(queue: CommandQueue): MessageCommands {
  return {
    applyReserve(partition, folders, guids) {
      const missing = new Set<string>();
      const asked = new Set(guids);
      if (guids.length === 0) return Promise.resolve(missing);
      return queue.submit({
        verb: 'APPLY',
        name: 'RESERVE',
        mailbox: folders.length === 1 ? folders[0] : undefined,
        args: () =>
          `RESERVE ${encodeKvlist([
            ['PARTITION', encodeString(partition)],
            ['MBOXNAME', encodeStrings(folders)],
            ['GUID', encodeList(guids.map(encodeGuid))],
          ])}`,
        untagged: dispatch({
          MISSING: (value) => {
            for (const guid of stringItems(requireList(value, 'MISSING'), 'MISSING', GUID)) {
              if (!asked.has(guid)) throw unasked('the message', guid);
              missing.add(guid);
            }
          },
        }),
        result: () => missing,
      });
    },

    applyMessages(messages) {
      if (messages.length === 0) return Promise.resolve();
      let octets = 0;
      for (const { size } of messages) octets += size + FILE_HEAD_OCTETS;
      return queue.submit({
        verb: 'APPLY',
        name: 'MESSAGE',
        args: () => filesOf(messages),
        release: () => giveUpMessages(messages),
        octets,
        carriesFiles: true,
        stores: messages.length,
        result: () => {},
      });
    },

    // The GUID that comes back is an echo (protocol 9): whether the octets have it, the caller must check.
    fetchMessage(what) {
      let content: Buffer | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'FETCH',
        mailbox: what.mailbox,
        args: () =>
          `FETCH ${encodeKvlist([
            ['MBOXNAME', encodeString(what.mailbox)],
            ['PARTITION', encodeString(what.partition)],
            ['UNIQUEID', encodeString(what.uniqueid)],
            ['GUID', encodeGuid(what.guid)],
            ['UID', encodeNumber(what.uid)],
          ])}`,
        valueOptions: {
          maxFileOctets: MAX_FETCHED_MESSAGE_OCTETS,
          maxMemoryOctets: MAX_FETCHED_MESSAGE_OCTETS + MAX_ANSWER_OCTETS,
        },
        untagged: dispatch({
          MESSAGE: (value) => {
            if (!(value instanceof DlistFile)) throw unusable('MESSAGE as %{...}', value);
            if (value.guid !== what.guid) throw unasked('the message', value.guid);
            content = value.content;
          },
        }),
        result: () => {
          if (content === undefined) throw unusable('MESSAGE', undefined);
          return content;
        },
      });
    },
  };
}

/** A message with what stands before its octets. */
interface File {
  head: Piece;
  message: MessageUpload;
}

/** All heads are made, and all sizes that are known compared, before the first octet leaves. */
function filesOf(messages: readonly MessageUpload[]): Iterable<Piece> | AsyncIterable<Piece> {
  const files = messages.map((message, i) => {
    if (Buffer.isBuffer(message.content)) checkSize(message, message.content.length);
    return { head: fileHead(message, i), message };
  });
  return messages.every(({ content }) => Buffer.isBuffer(content)) ? wholeFiles(files) : streamedFiles(files);
}

function* wholeFiles(files: readonly File[]): Generator<Piece> {
  for (const { head, message } of files) {
    yield head;
    if (Buffer.isBuffer(message.content) && message.size > 0) yield message.content;
  }
  yield ')';
}

async function* streamedFiles(files: readonly File[]): AsyncGenerator<Piece> {
  for (const { head, message } of files) {
    yield head;
    if (Buffer.isBuffer(message.content)) {
      if (message.size > 0) yield message.content;
      continue;
    }
    let octets = 0;
    for await (const piece of message.content) {
      octets += piece.length;
      if (octets > message.size) checkSize(message, octets);
      if (piece.length > 0) yield piece;
    }
    checkSize(message, octets);
  }
  yield ')';
}

function fileHead({ partition, guid, size }: MessageUpload, index: number): Piece {
  return `${index === 0 ? 'MESSAGE (' : ' '}${encodeFileHead(partition, guid, size)}`;
}

/** The size is on the wire already: octets too few or too many would be read as something else. */
function checkSize({ guid, size }: MessageUpload, found: number): void {
  if (found === size) return;
  throw new SyncError('MESSAGE_UNREADABLE', `expected ${size} octets of message ${guid}, found ${found}`, {
    phase: 'upload',
    retryable: true,
    hint: 'The message file changed while it was sent, or is damaged: reconstruct the mailbox if it happens again',
  });
}
