import { CommandGate } from '../../lab/command-gate.ts';
import type { ProxyPolicy, Relay } from '../../lab/scripted-proxy.ts';

/** Remembers what each connection said, and shuts at the first of the commands that change something. */
export class RecordingGate implements ProxyPolicy {
  readonly said: { connection: number; text: string }[] = [];
  readonly shut: Promise<void>;
  readonly #gate = new CommandGate(['APPLY MAILBOX']);
  #connections = 0;

  constructor() {
    this.shut = new Promise((resolve) => this.#gate.shutAt(1, resolve));
  }

  open(): void {
    this.#gate.open();
  }

  /** Numbers of the connections that said so. */
  whoSaid(words: RegExp): number[] {
    const found = this.said.filter(({ text }) => words.test(text)).map(({ connection }) => connection);
    return [...new Set(found)];
  }

  toServer(): Relay {
    const connection = this.#connections;
    this.#connections += 1;
    const relay = this.#gate.toServer();
    return (chunk, passage) => {
      this.said.push({ connection, text: chunk.toString('latin1') });
      relay(chunk, passage);
    };
  }

  toClient(): Relay {
    return this.#gate.toClient();
  }
}
