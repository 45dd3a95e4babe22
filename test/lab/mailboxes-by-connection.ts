import { asItIs, type ProxyPolicy, type Relay } from './scripted-proxy.ts';

const COMMAND = 'APPLY MAILBOX';

/** Counts the MAILBOX commands that each connection carries to where another policy takes them. */
export class MailboxesByConnection implements ProxyPolicy {
  readonly counts: number[] = [];
  readonly #policy: ProxyPolicy;

  constructor(policy: ProxyPolicy = {}) {
    this.#policy = policy;
  }

  toServer(): Relay {
    const relay = this.#policy.toServer?.() ?? asItIs;
    const at = this.counts.push(0) - 1;
    let tail = '';
    return (chunk, passage) => {
      const text = tail + chunk.toString('latin1');
      this.counts[at] = (this.counts[at] ?? 0) + text.split(COMMAND).length - 1;
      tail = text.slice(text.lastIndexOf(COMMAND) + 1).slice(1 - COMMAND.length);
      relay(chunk, passage);
    };
  }

  toClient(): Relay {
    return this.#policy.toClient?.() ?? asItIs;
  }
}
