import type { ByteString } from '../../byte-string.ts';
import type { SyncError } from '../../report/sync-error.ts';
import { MAX_LINE_OCTETS } from '../limits.ts';
import { linkError } from '../link-errors.ts';
import type { Consumer, Transport } from './transport.ts';

/**
 * Lines, one at a time, for what comes before replication: banner, STARTTLS, AUTHENTICATE, COMPRESS. Octets behind the
 * last line read stay with the reader until somebody takes them over.
 */
export class LineReader implements Consumer {
  #buffered: Buffer = Buffer.alloc(0);
  #closed = false;
  #reason: SyncError | undefined;
  #waiting: { resolve: () => void } | undefined;

  constructor(transport: Transport) {
    transport.setConsumer(this);
  }

  /** Octets received so far and not read as lines. */
  get buffered(): Buffer {
    return this.#buffered;
  }

  octets(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    this.#wake();
  }

  closed(reason: SyncError | undefined): void {
    this.#closed = true;
    this.#reason = reason;
    this.#wake();
  }

  /**
   * The next line without its line end.
   *
   * @param during for the error text: what was waited for
   * @param check is shown what is there of the line each time more of it arrives; may throw
   * @throws SyncError LINK_BROKEN, IMAP_PROTOCOL_ERROR
   */
  async readLine(during: string, check?: (soFar: ByteString) => void): Promise<ByteString> {
    for (;;) {
      const newline = this.#buffered.indexOf(0x0a);
      const soFar = this.#buffered.toString(
        'latin1',
        0,
        newline < 0 ? Math.min(this.#buffered.length, 256) : newline,
      );
      if (soFar !== '') check?.(soFar);
      if (newline >= 0) {
        this.#buffered = this.#buffered.subarray(newline + 1);
        return soFar.endsWith('\r') ? soFar.slice(0, -1) : soFar;
      }
      if (this.#buffered.length > MAX_LINE_OCTETS) {
        throw linkError(
          'IMAP_PROTOCOL_ERROR',
          `expected a line during ${during}, found ${this.#buffered.length} octets`,
        );
      }
      if (this.#closed) {
        throw this.#reason ?? linkError('LINK_BROKEN', `IOERROR: zero length response: command=<${during}>`);
      }
      await new Promise<void>((resolve) => {
        this.#waiting = { resolve };
      });
    }
  }

  /** Hands over what is buffered and forgets it. */
  takeRest(): Buffer {
    const rest = this.#buffered;
    this.#buffered = Buffer.alloc(0);
    return rest;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }
}
