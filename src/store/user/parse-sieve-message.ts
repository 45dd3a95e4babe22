import type { ByteString } from '../../byte-string.ts';

/**
 * A script as it is kept in `#sieve`: the name is the subject, the body is the script (store 10.4). Cyrus takes
 * a subject in encoded words (RFC 2047) as it stands, and shows it to ManageSieve clients like that too.
 */
export function parseSieveMessage(message: Buffer): { name: ByteString; content: Buffer } | undefined {
  const end = message.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const header = message.toString('latin1', 0, end + 2).replace(/\r\n([ \t])/g, '$1');
  const subject = /^subject:[ \t]*(.*?)[ \t]*$/im.exec(header)?.[1];
  if (subject === undefined || subject === '') return undefined;
  return { name: subject, content: message.subarray(end + 4) };
}
