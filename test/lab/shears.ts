import type { ProxyPolicy, Relay } from './scripted-proxy.ts';

/** Cuts all connections once, as soon as so many octets more have gone towards the server: mostly within a command. */
export class Shears implements ProxyPolicy {
  #left: number | undefined;

  cutAfter(octets: number): void {
    this.#left = octets;
  }

  toServer(): Relay {
    return (chunk, { pass, cut }) => {
      if (this.#left === undefined) {
        pass(chunk);
        return;
      }
      pass(chunk.subarray(0, this.#left));
      this.#left -= chunk.length;
      if (this.#left > 0) return;
      this.#left = undefined;
      cut();
    };
  }
}
