import { createRequire } from 'node:module';
import type { ByteString } from '../../byte-string.ts';

/**
 * SASLprep (RFC 4013) of a name or password. Octets that are no UTF-8, and text that SASLprep forbids, are used as they
 * are: the server's stored form was made from the same octets.
 */
export function saslPrepare(octets: ByteString): Buffer {
  const raw = Buffer.from(octets, 'latin1');
  // It leaves printable ASCII as it is, and its tables take longer to load than a login takes.
  if (/^[\x20-\x7e]*$/.test(octets)) return raw;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(raw);
    const { saslprep } = createRequire(import.meta.filename)(
      '@mongodb-js/saslprep',
    ) as typeof import('@mongodb-js/saslprep');
    return Buffer.from(saslprep(text), 'utf8');
  } catch {
    return raw;
  }
}
