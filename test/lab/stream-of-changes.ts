import { setTimeout as wait } from 'node:timers/promises';
import { ADMIN, type CyrusServer } from './cyrus-server.ts';
import { deliver } from './deliver.ts';
import { Choices, generateMail } from './generated-mail.ts';
import type { ImapClient } from './imap-client.ts';
import { quoteImap } from './imap-values.ts';
import { append, assertUniqueids, mailboxOf, ownName } from './populate.ts';
import { SieveClient } from './sieve-client.ts';
import { until } from './until.ts';

/** Everything that the stream does, each as often as another. */
export const KINDS = [
  ...['append', 'deliver', 'flag', 'copy', 'move', 'expunge', 'create', 'rename', 'delete', 'subscribe'],
  ...['seen', 'annotate', 'sieve', 'setacl', 'quota', 'user create', 'user rename', 'user delete'],
] as const;

/** Clients at a time. Each works on users of its own, so that it knows what they have. */
const CLIENTS = 4;
/** 2024-01-01 00:00 UTC */
const DATE = 1_704_067_200;
const FOLDER_NAMES = [
  'Work',
  'Work/Deep',
  'Name with blanks',
  "It's [b], #1 (c)",
  'Reports',
  'Reports/2024/May',
];

interface User {
  id: string;
  folders: string[];
  /** The script mailbox exists: a login to timsieved makes it. */
  hasScripts: boolean;
}

interface Client {
  users: User[];
  /** Names that users had who were renamed or deleted. */
  freeNames: string[];
  /** Kinds left in this round. */
  deck: string[];
  choices: Choices;
  done: Promise<void>;
}

/**
 * Real clients that change a master until `stop()`: IMAP, LMTP and ManageSieve. The choices follow from the seed; how
 * they interleave does not.
 *
 * Half of the new users get the name of a former one, renamed or deleted, as soon as there is one: what is read for a line
 * of the former one is then the new one's, and what the replica has under the name may still be the former one's.
 *
 * Whatever creates a mailbox goes over one connection, and script mailboxes are made before the stream begins, because
 * imapd processes of 3.6.1 that create mailboxes within one second can give them the same uniqueid.
 */
export class StreamOfChanges implements AsyncDisposable {
  readonly counts = new Map<string, number>();
  readonly #server: CyrusServer;
  readonly #seed: string;
  readonly #pauseMs: number;
  readonly #admin: ImapClient;
  readonly #clients: Client[] = [];
  #created = 0;
  #stopping = false;

  private constructor(server: CyrusServer, seed: string, pauseMs: number, admin: ImapClient) {
    this.#server = server;
    this.#seed = seed;
    this.#pauseMs = pauseMs;
    this.#admin = admin;
  }

  /**
   * Makes `users` users with a little mail and lets the clients loose on them.
   *
   * @param perSecond changes, at most; a host with nothing else to do makes a hundred
   */
  static async start(
    server: CyrusServer,
    seed: string,
    users = 50,
    perSecond = Number.POSITIVE_INFINITY,
  ): Promise<StreamOfChanges> {
    const pauseMs = (CLIENTS * 1_000) / perSecond;
    const stream = new StreamOfChanges(server, seed, pauseMs, await server.imap());
    try {
      await stream.#makeUsers(users);
    } catch (error) {
      stream.#admin.destroy();
      throw error;
    }
    for (const client of stream.#clients) {
      client.done = stream.#work(client);
      // Reported by `stop`.
      client.done.catch(() => undefined);
    }
    return stream;
  }

  /** Who exists now. */
  get users(): string[] {
    return this.#clients.flatMap(({ users }) => users.map(({ id }) => id)).sort();
  }

  get changes(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Until so much time has passed; throws at once what goes wrong in the stream. */
  async lasts(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([over, ...this.#clients.map(({ done }) => done)]).finally(() => clearTimeout(timer));
  }

  /** Ends the stream after what is under way, once each kind has occurred. Throws what went wrong in it. */
  async stop(): Promise<void> {
    const missing = () => KINDS.filter((kind) => !this.counts.has(kind));
    const all = until(
      'each kind of change',
      () => this.#stopping || missing().length === 0,
      () => missing().join(', '),
    );
    const done = this.#clients.map((client) => client.done);
    await Promise.race([all, ...done]).finally(() => {
      this.#stopping = true;
    });
    try {
      await Promise.all(done);
    } finally {
      await this.#admin.logout();
    }
    await assertUniqueids(this.#server);
  }

  /** For a test that fails before it has stopped the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#clients.map(({ done }) => done));
    this.#admin.destroy();
  }

  async #makeUsers(count: number): Promise<void> {
    for (let index = 0; index < CLIENTS; index++) {
      const choices = new Choices(`${this.#seed} ${index}`);
      this.#clients.push({ users: [], freeNames: [], deck: [], choices, done: Promise.resolve() });
    }
    for (let index = 0; index < count; index++) {
      const client = this.#clients[index % CLIENTS];
      if (client) client.users.push(await this.#createUser(`${this.#seed}${index}`));
    }
    for (const { users } of this.#clients) {
      for (const user of users.slice(0, 3)) {
        await using sieve = await SieveClient.login(this.#server, user.id);
        await sieve.put('first', 'keep;\r\n');
        user.hasScripts = true;
      }
    }
  }

  async #createUser(id: string): Promise<User> {
    const inbox = quoteImap(mailboxOf(this.#server, id));
    const folders = ['Work', 'Reports'];
    await Promise.all([
      this.#admin.ok(`CREATE ${inbox}`),
      this.#admin.ok(`SETACL ${inbox} anyone lrs`),
      this.#admin.ok(`SETACL ${inbox} ${ADMIN} lrswipkxtecda`),
      ...folders.map((folder) => this.#admin.ok(`CREATE ${this.#asAdmin(id, folder)}`)),
    ]);
    return { id, folders, hasScripts: false };
  }

  async #work(client: Client): Promise<void> {
    while (!this.#stopping) {
      if (client.deck.length === 0) client.deck = shuffled(KINDS, client.choices);
      const kind = client.deck.pop() ?? '';
      const user = client.choices.pick(client.users);
      try {
        if (!(await this.#change(kind, user, client))) continue;
      } catch (error) {
        throw new Error(`${kind} of ${user.id}: ${(error as Error).message}`, { cause: error });
      }
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      if (this.#pauseMs > 0) await wait(this.#pauseMs);
    }
  }

  /** @returns false if this user has nothing for it */
  async #change(kind: string, user: User, client: Client): Promise<boolean> {
    const { choices } = client;
    switch (kind) {
      case 'append':
        await this.#as(user.id, (imap) => this.#append(imap, user, choices));
        return true;
      case 'deliver': {
        const seed = `${this.#seed} deliver ${this.changes} ${user.id}`;
        await deliver(this.#server, user.id, generateMail({ seed, to: user.id, date: DATE }).bytes);
        return true;
      }
      case 'flag':
      case 'copy':
      case 'move':
      case 'expunge':
        await this.#as(user.id, (imap) => this.#onMessages(kind, imap, user, choices));
        return true;
      case 'create':
      case 'rename':
      case 'delete':
        return await this.#onFolders(kind, user, choices);
      case 'subscribe': {
        const folder = this.#own(choices.pick(['', ...user.folders]));
        const verb = choices.below(3) === 0 ? 'UNSUBSCRIBE' : 'SUBSCRIBE';
        await this.#as(user.id, (imap) => imap.ok(`${verb} ${folder}`));
        return true;
      }
      case 'seen':
        await this.#seen(choices.pick(client.users), user);
        return true;
      case 'annotate':
        await this.#as(user.id, (imap) => this.#annotate(imap, user, choices));
        return true;
      case 'sieve': {
        const owner = client.users.find(({ hasScripts }) => hasScripts);
        if (!owner) return false;
        await this.#scripts(owner.id, choices);
        return true;
      }
      case 'setacl': {
        const rights = choices.pick(['lrs', 'lr', 'l', '""']);
        const folder = choices.pick(user.folders.length > 0 ? user.folders : ['']);
        await this.#admin.ok(
          `SETACL ${this.#asAdmin(user.id, folder)} colleague${choices.below(3)} ${rights}`,
        );
        return true;
      }
      case 'quota': {
        const limits = choices.below(4) === 0 ? '' : `STORAGE ${100_000 + choices.below(1000)} MESSAGE 5000`;
        await this.#admin.ok(`SETQUOTA ${this.#asAdmin(user.id, '')} (${limits})`);
        return true;
      }
      case 'user create': {
        const free = choices.below(2) === 0 ? client.freeNames.shift() : undefined;
        client.users.push(await this.#createUser(free ?? `${this.#seed}new${this.#created++}`));
        return true;
      }
      case 'user rename': {
        const former = user.id;
        const id = `${this.#seed}moved${this.#created++}`;
        await this.#admin.ok(`RENAME ${this.#asAdmin(former, '')} ${this.#asAdmin(id, '')}`);
        await this.#removeLeftovers(former);
        user.id = id;
        client.freeNames.push(former);
        return true;
      }
      case 'user delete': {
        // Somebody must be left, and those with scripts stay.
        if (user.hasScripts || client.users.length < 4) return false;
        await this.#delete(this.#admin, this.#asAdmin(user.id, ''));
        await this.#removeLeftovers(user.id);
        client.users.splice(client.users.indexOf(user), 1);
        client.freeNames.push(user.id);
        return true;
      }
      default:
        throw new Error(`no such kind: ${kind}`);
    }
  }

  async #append(imap: ImapClient, user: User, choices: Choices): Promise<void> {
    const folder = choices.pick(['', ...user.folders]);
    const seed = `${this.#seed} ${this.changes} ${user.id}`;
    await append(imap, ownName(this.#server, partsOf(folder)), 1 + choices.below(3), seed, user.id);
  }

  async #onMessages(kind: string, imap: ImapClient, user: User, choices: Choices): Promise<void> {
    await this.#append(imap, user, choices);
    await append(
      imap,
      ownName(this.#server, []),
      2,
      `${this.#seed} ${this.changes} ${kind} ${user.id}`,
      user.id,
    );
    await imap.ok('SELECT INBOX');
    const target = this.#own(choices.pick(user.folders.length > 0 ? user.folders : ['']));
    switch (kind) {
      case 'flag':
        await imap.ok(`STORE 1:2 +FLAGS (\\Seen Keyword${choices.below(5)})`);
        await imap.ok('STORE 2 -FLAGS (\\Flagged $Label1)');
        return;
      case 'copy':
        await imap.ok(`COPY 1:2 ${target}`);
        return;
      case 'move':
        if (target !== this.#own('')) await imap.ok(`MOVE 1 ${target}`);
        return;
      case 'expunge':
        await imap.ok(`STORE 1,2 +FLAGS (\\Deleted)`);
        await imap.ok('EXPUNGE');
    }
  }

  async #onFolders(kind: string, user: User, choices: Choices): Promise<boolean> {
    // Cyrus 3.6.1 may make real mailboxes of intermediate ones when it renames what is below or above.
    user.folders = await this.#listed(user.id);
    const free = FOLDER_NAMES.filter((name) => !user.folders.includes(name));
    const name = free.length > 0 ? choices.pick(free) : undefined;
    if (kind === 'create') {
      if (name === undefined) return false;
      await this.#admin.ok(`CREATE ${this.#asAdmin(user.id, name)}`);
      user.folders.push(name);
      return true;
    }
    const folder = user.folders[choices.below(Math.max(1, user.folders.length))];
    if (folder === undefined) return false;
    const within = (each: string): boolean => each.startsWith(`${folder}/`);
    if (kind === 'delete') {
      if (user.folders.some(within)) return false;
      await this.#as(user.id, (imap) => this.#delete(imap, this.#own(folder)));
      user.folders = user.folders.filter((each) => each !== folder);
      return true;
    }
    if (name === undefined || name.startsWith(`${folder}/`) || folder.startsWith(`${name}/`)) return false;
    // What lies below goes along, to where nothing may be in its way.
    const moved = user.folders.filter(within).map((each) => name + each.slice(folder.length));
    if (moved.some((each) => user.folders.includes(each))) return false;
    await this.#admin.ok(`RENAME ${this.#asAdmin(user.id, folder)} ${this.#asAdmin(user.id, name)}`);
    const kept = user.folders.filter((each) => each !== folder && !within(each));
    user.folders = [...kept, name, ...moved];
    return true;
  }

  /** Cyrus 3.6.1 now and then leaves folders of a user behind whose INBOX is gone: no replica takes those. */
  async #removeLeftovers(userid: string): Promise<void> {
    for (const folder of (await this.#listed(userid)).reverse()) {
      await this.#delete(this.#admin, this.#asAdmin(userid, folder));
    }
  }

  async #listed(userid: string): Promise<string[]> {
    const inbox = mailboxOf(this.#server, userid);
    const listed = await this.#admin.ok(`LIST "" ${quoteImap(`${inbox}/*`)}`);
    return listed
      .filter(([, attributes]) => !/nonexistent|noselect/i.test(String(attributes)))
      .map(([, , , name]) => String(name).slice(inbox.length + 1))
      .filter((name) => name !== '#sieve');
  }

  /**
   * Two things stand in the way for a while. A deleted mailbox keeps its name and gets the second of its deletion, so
   * that two of one name need two seconds. And what a deleted user left behind may name the user's quota root still: the
   * first attempt finds that gone, forgets it, and changes nothing else.
   */
  async #delete(imap: ImapClient, mailbox: string): Promise<void> {
    for (let rootForgotten = false; ; ) {
      const answer = await imap.command(`DELETE ${mailbox}`);
      if (answer.status === 'OK') return;
      if (answer.text.includes('Quota root does not exist') && !rootForgotten) {
        rootForgotten = true;
        continue;
      }
      if (!answer.text.includes('Mailbox already exists')) throw new Error(`DELETE: ${answer.text}`);
      await wait(200);
    }
  }

  /** In another user's mailbox, where the seen state is the reader's own. */
  async #seen(owner: User, reader: User): Promise<void> {
    await this.#as(owner.id, (imap) =>
      append(imap, 'INBOX', 2, `${this.#seed} ${this.changes} seen`, owner.id),
    );
    await this.#as(reader.id, async (imap) => {
      await imap.ok(`SELECT ${owner === reader ? 'INBOX' : this.#asAdmin(owner.id, '')}`);
      await imap.ok('STORE 1:* +FLAGS (\\Seen)');
      await imap.ok('STORE 1 -FLAGS (\\Seen)');
    });
  }

  async #annotate(imap: ImapClient, user: User, choices: Choices): Promise<void> {
    const value = choices.below(4) === 0 ? 'NIL' : `"words ${choices.below(1000)}"`;
    const folder = this.#own(choices.pick(['', ...user.folders]));
    await imap.ok(`SETMETADATA ${folder} (/shared/comment ${value} /private/comment ${value})`);
    await append(imap, 'INBOX', 1, `${this.#seed} ${this.changes} annotate`, user.id);
    await imap.ok('SELECT INBOX');
    await imap.ok(`STORE 1 ANNOTATION (/comment (value.shared ${value} value.priv "mine"))`);
  }

  async #scripts(userid: string, choices: Choices): Promise<void> {
    await using sieve = await SieveClient.login(this.#server, userid);
    const name = `script ${choices.below(3)}`;
    await sieve.put(name, `keep; # ${choices.below(1000)}\r\n`);
    await sieve.activate(choices.pick(['', name, 'first']));
  }

  async #as(userid: string, change: (imap: ImapClient) => Promise<unknown>): Promise<void> {
    await using imap = await this.#server.imap(userid);
    await change(imap);
  }

  #asAdmin(userid: string, folder: string): string {
    return quoteImap(mailboxOf(this.#server, userid, partsOf(folder)));
  }

  #own(folder: string): string {
    return quoteImap(ownName(this.#server, partsOf(folder)));
  }
}

function partsOf(folder: string): string[] {
  return folder === '' ? [] : folder.split('/');
}

function shuffled(kinds: readonly string[], choices: Choices): string[] {
  const rest = [...kinds];
  const result: string[] = [];
  while (rest.length > 0) result.push(...rest.splice(choices.below(rest.length), 1));
  return result;
}
