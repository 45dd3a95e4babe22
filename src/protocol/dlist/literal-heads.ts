import type { ByteString } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';

const LITERAL_HEAD = /^(\d{1,15})\+?\}\r\n$/;
const FILE_HEAD = /^(?:"((?:[^"\\]|\\.)*)"|([^ "{}]+)) ([0-9A-Za-z]+) (\d{1,15})\}\r\n$/;

/**
 * Octets to come, from `n}` CRLF or `n+}` CRLF: servers send either (protocol 7.2), and neither waits.
 * @throws SyncError IMAP_PROTOCOL_ERROR
 */
export function parseLiteralHead(head: ByteString): number {
  const match = LITERAL_HEAD.exec(head);
  if (match === null) throw headError('{octets} or {octets+}', `{${head}`);
  return Number(match[1]);
}

/** From `partition guid size}` CRLF. @throws SyncError IMAP_PROTOCOL_ERROR */
export function parseFileHead(head: ByteString): { partition: ByteString; guid: ByteString; size: number } {
  const match = FILE_HEAD.exec(head);
  if (match === null) throw headError('%{partition guid size}', `%{${head}`);
  const [, quoted, atom, guid = '', size] = match;
  return { partition: atom ?? (quoted ?? '').replace(/\\(.)/g, '$1'), guid, size: Number(size) };
}

function headError(expected: string, found: string): SyncError {
  return new SyncError(
    'IMAP_PROTOCOL_ERROR',
    `expected ${expected}, found ${JSON.stringify(found.slice(0, 120))}`,
    {
      family: 'link',
      hint: 'The peer does not speak the replication protocol as Cyrus does, or octets were damaged on the way',
    },
  );
}
