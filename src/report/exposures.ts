import type { SyncEvent } from './events.ts';

/** What is said of connections over which somebody on the way has a say: once for each server and reason. */
export class Exposures {
  readonly #said = new Set<string>();

  /** @returns the warning, the first time */
  warning(event: SyncEvent): string | undefined {
    if (event.kind !== 'connection:exposed') return undefined;
    const { server, exposure } = event;
    const text =
      exposure === 'clear'
        ? `the connection to '${server}' is not encrypted: all mail can be read and changed on the way (tls, allow_clear_text)`
        : `the certificate of '${server}' is not verified: anybody on the way can be in its place (tls_verify)`;
    if (this.#said.has(text)) return undefined;
    this.#said.add(text);
    return text;
  }
}
