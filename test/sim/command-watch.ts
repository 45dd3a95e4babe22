import type { ByteString } from '../../src/byte-string.ts';
import type { RecordedCommand } from '../../src/sandbox/options.ts';
import type { Sandbox } from '../../src/sandbox/start-sandbox.ts';

/** These go by a user's name, and are out of reach on a replica that has no such user. */
const PERSONAL = ['APPLY SUB', 'APPLY SEEN', 'APPLY SIEVE', 'APPLY ACTIVATE_SIEVE'];
/** The sandbox's words for what ends a real server, and for what was meant to happen. */
const DEATH = 'would have died here';
const MEANT = 'fault:';

/** Looks at each command before the replica does it, and knows what none may ever be. */
export class CommandWatch {
  readonly #replica: () => Pick<Sandbox, 'mailboxes'>;
  /** Live on the master since before the run began, under that name if there is one. */
  readonly #isKept: (uniqueid: ByteString, name?: ByteString) => boolean;
  readonly #violate: (what: string) => void;
  /** Mailboxes that a MAILBOX has named so far, whatever the answer was, by connection. */
  readonly #others = new Set<number>();
  readonly #named = new Map<number, Set<ByteString>>();

  constructor(
    replica: () => Pick<Sandbox, 'mailboxes'>,
    isKept: (uniqueid: ByteString, name?: ByteString) => boolean,
    violate: (what: string) => void,
  ) {
    this.#replica = replica;
    this.#isKept = isKept;
    this.#violate = violate;
  }

  /** Somebody else is about to connect. */
  admit(connection: number): void {
    this.#others.add(connection);
  }

  examine({ connection, command, text }: RecordedCommand): void {
    if (this.#others.has(connection)) return;
    if (command === 'APPLY UNMAILBOX' || command === 'APPLY UNUSER') this.#removal(command, text);
    else if (command === 'APPLY RENAME') this.#rename(text);
    else if (command === 'APPLY MAILBOX') this.#mailbox(connection, fieldOf(text, 'MBOXNAME'));
    else if (PERSONAL.includes(command) && !this.#has(`user.${fieldOf(text, 'USERID')}`)) {
      this.#violate(`${text} although the replica has no such user`);
    }
  }

  /** @param line of the replica's own log */
  hear(line: string): void {
    if (line.includes(DEATH) && !line.includes(MEANT)) this.#violate(`the replica's process dies: ${line}`);
  }

  #removal(command: string, text: string): void {
    const named = text.slice(command.length + 1);
    const there = [...this.#replica().mailboxes()].map(([name, uniqueid]) => ({ name, uniqueid }));
    const removed =
      command === 'APPLY UNMAILBOX'
        ? there.filter(({ name }) => name === named)
        : // What is in DELETED stays (protocol 10.14).
          there.filter(({ name }) => name === `user.${named}` || name.startsWith(`user.${named}.`));
    for (const { name, uniqueid } of removed) {
      if (this.#isKept(uniqueid))
        this.#violate(`${text} removes ${name} (${uniqueid}), which is live on the master`);
    }
  }

  #rename(text: string): void {
    const name = fieldOf(text, 'OLDMBOXNAME');
    const uniqueid = this.#replica().mailboxes().get(name);
    if (uniqueid !== undefined && this.#isKept(uniqueid, name))
      this.#violate(`${text} takes away the name of ${name}, which the master has under it`);
  }

  #mailbox(connection: number, name: ByteString): void {
    const named = this.#named.get(connection) ?? new Set();
    this.#named.set(connection, named.add(name));
    const inbox = /^user\.[^.]+(?=\.)/.exec(name)?.[0];
    if (inbox === undefined || named.has(inbox) || this.#has(inbox) || this.#has(name)) return;
    this.#violate(
      `MAILBOX of ${name} although nothing was sent of ${inbox}, which the replica does not have`,
    );
  }

  #has(name: ByteString): boolean {
    return this.#replica().mailboxes().has(name);
  }
}

function fieldOf(text: string, key: string): string {
  return new RegExp(`[( ]${key} ([^ )]+)`).exec(text)?.[1] ?? '';
}
