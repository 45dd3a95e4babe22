import type { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { linkError } from '../link-errors.ts';
import type { Conversation } from './conversation.ts';
import type { Offer } from './offer.ts';

/** Most of the gain at a fraction of the time of zlib's default: mail of one run is sent by several threads at once. */
const DEFAULT_LEVEL = 1;

/**
 * The level to compress with from the start, or undefined not to. Pure. `auto` looks at the link first.
 * @throws SyncError COMPRESSION_UNAVAILABLE
 */
export function compressionLevel(
  offer: Offer,
  settings: ConnectionSettings,
  secure: boolean,
): number | undefined {
  const { mode, level = DEFAULT_LEVEL } = settings.compression;
  if (mode === 'off' || mode === 'auto') return undefined;
  if (offer.compress) return level;
  if (mode !== 'required') return undefined;
  throw unavailable(
    settings.server,
    offer.flavour === 'imap' ? 'over IMAP' : secure ? 'inside TLS' : 'to this connection',
  );
}

/** @returns whether both directions are compressed now @throws SyncError COMPRESSION_UNAVAILABLE if it is required */
export async function startCompression(
  talk: Conversation,
  level: number,
  settings: ConnectionSettings,
): Promise<boolean> {
  talk.send('COMPRESS DEFLATE');
  const answer = await talk.read('COMPRESS');
  if (!/^OK\b/i.test(answer)) {
    if (settings.compression.mode === 'required') throw unavailable(settings.server, `(${answer})`);
    return false;
  }
  talk.transport.startCompression(level, talk.takeUnread());
  return true;
}

function unavailable(server: string, where: string): SyncError {
  return linkError(
    'COMPRESSION_UNAVAILABLE',
    `Failed to enable compression to server '${server}': not offered ${where}`,
    {
      phase: 'connect',
      retryable: false,
      hint: 'Run without -z, or connect to sync_server without TLS',
    },
  );
}
