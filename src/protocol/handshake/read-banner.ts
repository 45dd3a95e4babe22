import type { ByteString } from '../../byte-string.ts';
import type { SyncError } from '../../report/sync-error.ts';
import { MAX_BANNER_LINES } from '../limits.ts';
import { linkError } from '../link-errors.ts';
import type { Conversation } from './conversation.ts';
import { csyncOffer, imapCapabilities, imapOffer, type Offer } from './offer.ts';

/** Which flavours may be spoken: those of the settings, and of the port that was chosen. */
export interface Accepted {
  csync: boolean;
  imap: boolean;
}

/**
 * Reads the banner and tells from its first line who is there: an IMAP server greets with one `* OK [CAPABILITY ...]`
 * line, a sync_server with several lines or one that says "Cyrus sync server".
 *
 * @throws SyncError NOT_A_SYNC_SERVER, REPLICA_BUSY, LINK_BROKEN
 */
export async function readBanner(talk: Conversation, server: string, accepted: Accepted): Promise<Offer> {
  talk.begin('the banner');
  const refuseStrangers = (soFar: ByteString): void => {
    if (!'* '.startsWith(soFar.slice(0, 2))) throw notSyncServer(server, soFar);
  };
  const lines: ByteString[] = [];
  while (lines.length < MAX_BANNER_LINES) {
    const line = await talk.read('banner', refuseStrangers);
    lines.push(line);
    if (!/^\* OK\b/i.test(line)) continue;
    const imap = lines.length === 1 && !/sync server/i.test(line);
    if (!imap && accepted.csync) return csyncOffer(lines);
    if (imap && accepted.imap)
      return imapOffer(line, imapCapabilities(line) ?? (await askCapabilities(talk)));
    throw wrongFlavour(server, line, imap);
  }
  throw notSyncServer(server, lines[0] ?? '');
}

/** `C01 CAPABILITY`. */
export async function askCapabilities(talk: Conversation): Promise<string[]> {
  talk.send('C01 CAPABILITY');
  let capabilities: string[] = [];
  for (let lines = 0; lines < MAX_BANNER_LINES; lines++) {
    const line = await talk.read('CAPABILITY');
    capabilities = imapCapabilities(line) ?? capabilities;
    if (line.startsWith('C01 ')) return capabilities;
  }
  throw linkError(
    'IMAP_PROTOCOL_ERROR',
    `no end of the answer to CAPABILITY after ${MAX_BANNER_LINES} lines`,
    {
      phase: 'connect',
      retryable: false,
      hint: 'Check that the server is a Cyrus IMAP server',
    },
  );
}

export function notSyncServer(server: string, found: ByteString): SyncError {
  const shown = JSON.stringify(found.trimEnd().slice(0, 80));
  return linkError(
    'NOT_A_SYNC_SERVER',
    `expected the banner of a Cyrus server from ${server}, found ${shown}`,
    {
      phase: 'connect',
      retryable: false,
      hint: 'Check server name and port: sync_server usually listens on 2005, imapd on 143',
    },
  );
}

function wrongFlavour(server: string, line: ByteString, imap: boolean): SyncError {
  const found = imap ? 'an IMAP server' : 'a stand-alone sync_server';
  return linkError(
    'NOT_A_SYNC_SERVER',
    `${server} is ${found}, which this attempt was not to speak to: ${line}`,
    {
      phase: 'connect',
      retryable: false,
      hint: 'Check sync_port and sync_try_imap',
    },
  );
}
