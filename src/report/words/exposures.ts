import type { SyncEvent } from '../events.ts';

type Exposed = Extract<SyncEvent, { kind: 'connection:exposed' }>;

/** Each connection tells over which somebody on the way has a say; people are told once for each server and reason. */
export class Exposures {
  readonly #said = new Set<string>();

  /** @returns whether this is the first that is heard of it */
  isNews(event: Exposed): boolean {
    const text = exposureText(event);
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    return true;
  }
}

export function exposureText({ server, exposure }: Exposed): string {
  return exposure === 'clear'
    ? `the connection to '${server}' is not encrypted: all mail can be read and changed on the way (tls, allow_clear_text)`
    : `the certificate of '${server}' is not verified: anybody on the way can be in its place (tls_fingerprint, tls_verify)`;
}
