import { ADMIN, PASSWORD } from '../../test/lab/cyrus-server.ts';
import { ImapClient } from '../../test/lab/imap-client.ts';
import { quoteImap } from '../../test/lab/imap-values.ts';
import { makeMail } from '../make-mail.ts';
import type { LoadMailbox } from './load-messages.ts';
import type { Mark } from './replica-watch.ts';

/** Octets of a new message. */
const SIZE = 3000;
/** Messages of the changes are numbered from here: none of them is in any store. */
const FIRST_NUMBER = 60_000_000;

/** A change that the master has answered. */
export interface Change {
  mailbox: LoadMailbox;
  mark: Mark;
  /** Milliseconds of `performance.now()`. */
  answered: number;
}

/** Users at their mail: one connection each, with the INBOX selected. */
export class MailboxChanges implements AsyncDisposable {
  readonly #users: ReadonlyMap<string, ImapClient>;
  #number = FIRST_NUMBER;
  readonly #flagged = new Set<string>();

  private constructor(users: ReadonlyMap<string, ImapClient>) {
    this.#users = users;
  }

  static async connect(port: number, userids: Iterable<string>): Promise<MailboxChanges> {
    const users = new Map<string, ImapClient>();
    for (const userid of userids) {
      const client = await ImapClient.connect(port);
      await client.authenticatePlain(userid, ADMIN, PASSWORD);
      await client.ok('SELECT INBOX (CONDSTORE)');
      users.set(userid, client);
    }
    return new MailboxChanges(users);
  }

  /** New mail. */
  async append(mailbox: LoadMailbox): Promise<Change> {
    const message = makeMail(this.#number++, SIZE);
    const { status, text } = await this.#as(mailbox).command(
      `APPEND ${quoteImap(mailbox.name)} () `,
      message,
    );
    const answered = performance.now();
    const uid = /\[APPENDUID \d+ (\d+)\]/.exec(text)?.[1];
    if (status !== 'OK' || uid === undefined) throw new Error(`APPEND was answered ${status} ${text}`);
    return { mailbox, mark: { uid: Number(uid) }, answered };
  }

  /** The flag of the first message of an INBOX, on and off in turn. */
  async flag(inbox: LoadMailbox): Promise<Change> {
    const { user } = inbox;
    const sign = this.#flagged.delete(user) ? '-' : '+';
    if (sign === '+') this.#flagged.add(user);
    const untagged = await this.#as(inbox).ok(`STORE 1 ${sign}FLAGS (\\Flagged)`);
    const answered = performance.now();
    const fetched = untagged.find(([, kind]) => kind === 'FETCH')?.[2];
    const modseq = /MODSEQ,(\d+)/.exec(String(fetched))?.[1];
    if (modseq === undefined) throw new Error(`STORE was answered without a MODSEQ: ${String(untagged)}`);
    return { mailbox: inbox, mark: { modseq: Number(modseq) }, answered };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#users.values()].map((client) => client.logout()));
  }

  #as({ user }: LoadMailbox): ImapClient {
    const client = this.#users.get(user);
    if (client === undefined) throw new Error(`${user} is not logged in`);
    return client;
  }
}
