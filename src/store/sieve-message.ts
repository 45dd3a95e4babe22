import type { ByteString } from '../byte-string.ts';

/** A script as it is kept in `#sieve`: the name is the subject, the body is the script (store section 10.4). */
export function parseSieveMessage(message: Buffer): { name: ByteString; content: Buffer } | undefined {
  const end = message.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const header = message.toString('latin1', 0, end + 2).replace(/\r\n([ \t])/g, '$1');
  const subject = /^subject:[ \t]*(.*?)[ \t]*$/im.exec(header)?.[1];
  if (subject === undefined || subject === '') return undefined;
  return { name: decodeEncodedWords(subject), content: message.subarray(end + 4) };
}

const ENCODED_WORD = /=\?([^?]+)\?([bq])\?([^?]*)\?=/gi;

/** RFC 2047. Cyrus writes UTF-8, which is also what file names are, so octets are taken as they are. */
export function decodeEncodedWords(text: ByteString): ByteString {
  return text
    .replace(/(\?=)[ \t]+(=\?)/g, '$1$2')
    .replace(ENCODED_WORD, (_, _charset: string, encoding: string, content: string) =>
      encoding.toLowerCase() === 'b' ? Buffer.from(content, 'base64').toString('latin1') : decodeQ(content),
    );
}

function decodeQ(content: ByteString): ByteString {
  return content
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
