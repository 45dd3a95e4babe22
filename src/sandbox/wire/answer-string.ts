import type { ByteString } from '../../byte-string.ts';
import { asEncoded, type Encoded, encodeString } from '../../protocol/dlist/encoders.ts';

/**
 * A string as a server prints it: literals are `{n}`, which the codec, made for a client, writes `{n+}`. Servers since
 * the fix of CVE-2024-34055 print it so, and the C client of that age reads nothing else (protocol 7.2).
 */
export function answerString(value: ByteString | null): Encoded {
  const encoded = encodeString(value);
  // An atom never begins with a brace.
  return encoded.startsWith('{') ? asEncoded(encoded.replace('+}', '}')) : encoded;
}
