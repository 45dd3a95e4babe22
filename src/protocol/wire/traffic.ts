import type { TrafficListener } from '../connection-settings.ts';

/** Stands for octets that must not be shown: credentials, messages, scripts. */
export function hiddenOctets(count: number): string {
  return `[${count} octets]`;
}

/** `-v -v`: tells the listener, if there is one, what text goes over the wire. */
export class Traffic {
  readonly #listener: TrafficListener | undefined;

  constructor(listener: TrafficListener | undefined) {
    this.#listener = listener;
  }

  /** False spares the work of preparing text for nobody. */
  get wanted(): boolean {
    return this.#listener !== undefined;
  }

  sent(text: string | Buffer): void {
    this.#listener?.('sent', typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  received(text: string | Buffer): void {
    this.#listener?.('received', typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }
}
