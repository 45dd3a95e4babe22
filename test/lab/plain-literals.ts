import type { Relay } from './scripted-proxy.ts';
import { withoutCompression } from './without-compression.ts';

/** The beginning of a literal, as far as a chunk may have it at its end. */
const BEGINNING = /\{\d*\+?\}?\r?$/;

/**
 * Writes `{n+}` of a server as `{n}`. Before 3.4.8 a server marks its literals so, and the C client of newer packages takes the
 * line behind one for an answer: from there on it compares each user with what was told of another.
 */
export function plainLiterals(): Relay {
  const uncompressed = withoutCompression();
  let held = '';
  return (chunk, { pass }) =>
    uncompressed(chunk, {
      pass: (plain) => {
        const octets = held + plain.toString('latin1');
        held = BEGINNING.exec(octets)?.[0] ?? '';
        pass(octets.slice(0, octets.length - held.length).replaceAll(/\{(\d+)\+\}\r\n/g, '{$1}\r\n'));
      },
    });
}
