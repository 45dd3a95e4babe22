import type { MessageStream } from '../../src/protocol/replica-session.ts';

/** A message as a very large one is handed out, which knows whether it was given up. */
export class StreamedOctets implements MessageStream {
  isGivenUp = false;
  readonly #octets: () => AsyncIterator<Buffer>;

  constructor(octets: () => AsyncIterator<Buffer>) {
    this.#octets = octets;
  }

  static inPieces(content: Buffer, octets: number): StreamedOctets {
    return new StreamedOctets(async function* () {
      for (let at = 0; at < content.length; at += octets) {
        await new Promise((resolve) => setImmediate(resolve));
        yield content.subarray(at, at + octets);
      }
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.#octets();
  }

  [Symbol.dispose](): void {
    this.isGivenUp = true;
  }
}
