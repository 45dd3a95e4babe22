import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import { parseTarget } from '../connect-target.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import type { Conversation } from '../handshake/conversation.ts';
import { readBanner } from '../handshake/read-banner.ts';
import { MAX_ANSWER_OCTETS, VALUE_OVERHEAD_OCTETS } from '../limits.ts';
import { linkError } from '../link-errors.ts';
import { silenceError } from '../wire/transport.ts';
import { planAttempts, tryInTurn } from './connect-attempts.ts';
import { inConversation, realNetwork } from './in-conversation.ts';
import { logIn } from './log-in.ts';

/** A mailbox as an IMAP server lists it to an administrator. */
export interface ListedMailbox {
  /** External, with the separator of that server. */
  name: ByteString;
  /** Between the parts of its names. */
  separator: '/' | '.';
  /** False of a name that only others are below. */
  exists: boolean;
}

/** The patterns to list, once the separator is known. */
export type ListPatterns = (separator: ListedMailbox['separator']) => Iterable<ByteString>;

const LOGOUT_TAG = 'L99';

/**
 * Asks the server for its mailboxes, which the replication protocol has no command for: by IMAP, over a connection of its
 * own. A server that turns out not to speak IMAP is not asked.
 *
 * @param patterns of LIST, taken one by one, so that what one yields may decide about the next
 * @returns false if it was not asked
 * @throws SyncError as `connectReplica`; IMAP_REMOTE_DENIED, IMAP_PROTOCOL_ERROR
 */
export async function listMailboxes(
  settings: ConnectionSettings,
  patterns: ListPatterns,
  take: (mailbox: ListedMailbox) => void,
): Promise<boolean> {
  const target = parseTarget(settings.server);
  const talk = await tryInTurn(planAttempts(target, settings), (attempt) =>
    inConversation(
      { target, attempt, settings, network: realNetwork, onTraffic: undefined },
      async (conversation, circumstances) => {
        const greeting = await readBanner(conversation, settings.server, attempt.accepted);
        if (greeting.flavour === 'csync') {
          conversation.transport.end();
          return undefined;
        }
        await logIn(conversation, greeting, circumstances);
        return conversation;
      },
    ),
  );
  if (talk === undefined) return false;
  const { answerTimeoutMs } = settings;
  talk.transport.watchSilence(answerTimeoutMs, () =>
    talk.transport.destroy(silenceError(answerTimeoutMs, 'LIST')),
  );
  try {
    let separator: ListedMailbox['separator'] = '/';
    // The one answer to an empty pattern tells the separator.
    await list(talk, 'L0', '', (root) => {
      separator = root.separator;
    });
    let count = 0;
    for (const pattern of patterns(separator)) await list(talk, `L${++count}`, pattern, take);
    talk.send(`${LOGOUT_TAG} LOGOUT`);
  } finally {
    talk.transport.end();
  }
  return true;
}

async function list(
  talk: Conversation,
  tag: string,
  pattern: ByteString,
  take: (mailbox: ListedMailbox) => void,
): Promise<void> {
  talk.send(`${tag} LIST "" ${quoted(pattern)}`);
  for (let octets = 0; octets <= MAX_ANSWER_OCTETS; ) {
    const line = await talk.read('LIST');
    octets += line.length + VALUE_OVERHEAD_OCTETS;
    if (line.startsWith(`${tag} `)) {
      if (/^\S+ OK\b/i.test(line)) return;
      throw linkError('IMAP_REMOTE_DENIED', `the replica refused to list its mailboxes: ${line}`, {
        retryable: false,
      });
    }
    if (!/^\* LIST /i.test(line)) continue;
    const literal = /\{(\d+)\}$/.exec(line);
    // A literal has no line end in it, as no mailbox name has.
    take(parseListed(literal ? line.slice(0, literal.index) : line, literal && (await talk.read('LIST'))));
  }
  throw linkError('IMAP_PROTOCOL_ERROR', `the answer to LIST has no end after ${MAX_ANSWER_OCTETS} octets`, {
    retryable: false,
    hint: 'No Cyrus server has so many mailboxes: find out who answers there',
  });
}

/** @param literal the name, where the line gives its length alone */
export function parseListed(line: ByteString, literal: ByteString | null): ListedMailbox {
  const [, attributes = '', separator = '', word = ''] =
    /^\* LIST \(([^)]*)\) (?:"([./])"|NIL) ?(.*)$/i.exec(line) ?? [];
  const name = literal ?? (word.startsWith('"') ? unquoted(word) : word);
  if ((separator !== '/' && separator !== '.') || name === undefined) {
    throw linkError('IMAP_PROTOCOL_ERROR', `expected a LIST answer, found ${JSON.stringify(line)}`, {
      retryable: false,
      hint: 'The peer does not list mailboxes as Cyrus does',
    });
  }
  return { name, separator, exists: !/\\(NoSelect|NonExistent)\b/i.test(attributes) };
}

/** Octets that end a line, and characters that would become such when they are written. No name of a mailbox has them. */
const NOT_QUOTABLE = /[\r\n\0\u0100-\uffff]/;

/** @throws SyncError BUG for what would become more than one command */
function quoted(text: ByteString): ByteString {
  if (NOT_QUOTABLE.test(text)) {
    throw new SyncError(
      'BUG',
      `expected a pattern of names to list, found ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function unquoted(word: ByteString): ByteString | undefined {
  const inside = /^"((?:[^"\\]|\\.)*)"$/.exec(word)?.[1];
  return inside?.replace(/\\(.)/g, '$1');
}
