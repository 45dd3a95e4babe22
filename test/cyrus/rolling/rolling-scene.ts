import { after, before, test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { ADMIN, type Pair, type PairOptions, startPair } from '../../lab/cyrus-server.ts';
import type { ImapClient } from '../../lab/imap-client.ts';
import { RollingClient } from '../../lab/rolling-client.ts';

/** Everything that one scenario has to work with. */
export interface Scene {
  /** A user of its own, named like the scenario. */
  user: string;
  /** Something that the user does on the master. */
  does(change: (imap: ImapClient) => Promise<unknown>): Promise<void>;
  /** Until both ends are the same for this user, or those named. */
  inStep(...users: string[]): Promise<void>;
}

/** A pair, an administrator on the master, and one rolling client throughout, for all scenarios of a test file. */
export class RollingScene {
  #pair: Pair | undefined;
  #client: RollingClient | undefined;
  #admin: ImapClient | undefined;

  constructor(options: PairOptions) {
    before(async () => {
      this.#pair = await startPair(options);
      this.#client = new RollingClient(this.#pair);
      this.#admin = await this.#pair.master.imap();
    });
    after(async () => {
      this.#admin?.destroy();
      await this.#client?.stop();
      await this.#pair?.stop();
    });
  }

  get pair(): Pair {
    return present(this.#pair);
  }

  get client(): RollingClient {
    return present(this.#client);
  }

  get admin(): ImapClient {
    return present(this.#admin);
  }

  /** @param folders below the user's INBOX, there from the beginning */
  readonly scenario = (
    name: string,
    play: (scene: Scene) => Promise<void>,
    folders: readonly string[] = [],
  ): void => {
    test(name, async () => {
      const user = name.replaceAll('_', '').toLowerCase();
      await this.createUser(user, folders);
      await play({
        user,
        does: (change) => this.as(user, change),
        inStep: async (...users) => {
          await this.client.settled();
          await assertSameMailOf(this.pair.master, this.pair.replica, users.length > 0 ? users : [user]);
        },
      });
    });
  };

  async createUser(user: string, folders: readonly string[] = []): Promise<void> {
    await this.admin.ok(`CREATE user/${user}`);
    await this.admin.ok(`SETACL user/${user} ${ADMIN} lrswipkxtecda`);
    for (const folder of folders) await this.admin.ok(`CREATE "user/${user}/${folder}"`);
  }

  /** Something that `user` does on the master. */
  async as(user: string, change: (imap: ImapClient) => Promise<unknown>): Promise<void> {
    await using imap = await this.pair.master.imap(user);
    await change(imap);
  }

  /** Mailboxes of the replica that can be opened, by their administrator's names. */
  async onReplica(pattern: string): Promise<string[]> {
    await using there = await this.pair.replica.imap();
    const answers = await there.ok(`LIST "" "${pattern}"`);
    return answers
      .filter(([, attributes]) => !/nonexistent|noselect/i.test(String(attributes)))
      .map(([, , , found]) => String(found));
  }
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the scene is not set up');
  return part;
}
