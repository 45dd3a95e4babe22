import type { ProxyPolicy, Relay } from './scripted-proxy.ts';

/**
 * Counts command lines, of all connections as one sequence, and shuts at one of them: it and all that comes behind it in
 * either direction is held, as on a dead link. Message bodies have to be free of lines that begin with those words.
 *
 * The links that it was shut to stay so until `open`, also when it is to shut at another command next: what a killed client had
 * sent behind the command that was held back must never arrive without it.
 */
export class CommandGate implements ProxyPolicy {
  readonly #command: RegExp;
  #commands: string[] = [];
  #shutAt = 0;
  #onShut: () => void = () => undefined;
  #held: (() => void)[] = [];
  /** Directions of links, one object for each; the dead ones were there when it shut. */
  readonly #links = new Set<object>();
  readonly #dead = new Set<object>();

  /** @param words that commands begin with */
  constructor(words: readonly string[]) {
    this.#command = new RegExp(`^(?:${words.join('|')})\\b`);
  }

  /** Begins to count anew, and forgets what is held. @param count which command is the first not to pass; 0: all do */
  shutAt(count: number, onShut: () => void = () => undefined): void {
    this.#commands = [];
    this.#held = [];
    this.#shutAt = count;
    this.#onShut = onShut;
  }

  open(): void {
    this.#shutAt = 0;
    this.#dead.clear();
    for (const pass of this.#held.splice(0)) pass();
  }

  get isShut(): boolean {
    return this.#shutAt > 0 && this.#commands.length >= this.#shutAt;
  }

  /** The beginning of each command line that was counted. */
  get commands(): readonly string[] {
    return this.#commands;
  }

  toServer(): Relay {
    const link = this.#begin();
    let open = '';
    return (chunk, { pass }) => {
      open += chunk.toString('latin1');
      for (let end = open.indexOf('\n'); end >= 0; end = open.indexOf('\n')) {
        const line = open.slice(0, end + 1);
        open = open.slice(end + 1);
        if (!this.#dead.has(link)) this.#count(line);
        this.#passOrHold(link, () => pass(line));
      }
    };
  }

  toClient(): Relay {
    const link = this.#begin();
    return (chunk, { pass }) => this.#passOrHold(link, () => pass(chunk));
  }

  #begin(): object {
    const link = {};
    this.#links.add(link);
    return link;
  }

  #count(line: string): void {
    if (this.isShut || !this.#command.test(line)) return;
    this.#commands.push(line.slice(0, 60).trim());
    if (!this.isShut) return;
    for (const link of this.#links) this.#dead.add(link);
    this.#onShut();
  }

  #passOrHold(link: object, pass: () => void): void {
    if (this.isShut || this.#dead.has(link)) this.#held.push(pass);
    else pass();
  }
}
