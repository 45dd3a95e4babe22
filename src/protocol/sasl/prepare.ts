import { saslprep } from '@mongodb-js/saslprep';
import type { ByteString } from '../../byte-string.ts';

/**
 * SASLprep (RFC 4013) of a name or password. Octets that are no UTF-8, and text that SASLprep forbids, are used as they
 * are: the server's stored form was made from the same octets.
 */
export function saslPrepare(octets: ByteString): Buffer {
  const raw = Buffer.from(octets, 'latin1');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
    return Buffer.from(saslprep(text), 'utf8');
  } catch {
    return raw;
  }
}
