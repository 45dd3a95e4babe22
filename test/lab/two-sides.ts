import { createHash } from 'node:crypto';
import type { CyrusServer, Pair } from './cyrus-server.ts';
import type { ImapClient } from './imap-client.ts';
import { expectList, expectText } from './imap-values.ts';

/** Messages that every mailbox of these tests starts with, UIDs 1 to 3, alike on both sides. */
export const BASE = ['base-1', 'base-2', 'base-3'];

/** One server as the administrator's client changes it behind the other's back. Mailboxes by admin name. */
export class Side implements AsyncDisposable {
  readonly server: CyrusServer;
  readonly imap: ImapClient;

  private constructor(server: CyrusServer, imap: ImapClient) {
    this.server = server;
    this.imap = imap;
  }

  static async open(server: CyrusServer): Promise<Side> {
    return new Side(server, await server.imap());
  }

  async create(mailbox: string, subjects: readonly string[] = []): Promise<void> {
    await this.imap.ok(`CREATE ${mailbox}`);
    await this.imap.ok(`SETACL ${mailbox} admin lrswipkxtecdan`);
    for (const subject of subjects) await this.append(mailbox, subject);
  }

  async append(mailbox: string, subject: string, body = ''): Promise<void> {
    await this.imap.ok(`APPEND ${mailbox} `, messageOf(subject, body));
  }

  /** Commands with the mailbox selected; no \Deleted message is expunged by leaving it. */
  async within(mailbox: string, ...commands: readonly string[]): Promise<void> {
    await this.imap.ok(`SELECT ${mailbox}`);
    for (const command of commands) await this.imap.ok(command);
    await this.imap.ok('UNSELECT');
  }

  async flag(mailbox: string, uid: number, ...flags: readonly string[]): Promise<void> {
    await this.within(mailbox, ...flags.map((flag) => `UID STORE ${uid} +FLAGS (${flag})`));
  }

  async expunge(mailbox: string, uid: number): Promise<void> {
    await this.within(mailbox, `UID STORE ${uid} +FLAGS (\\Deleted)`, `UID EXPUNGE ${uid}`);
  }

  async annotate(mailbox: string, uid: number, value: string): Promise<void> {
    await this.within(mailbox, `UID STORE ${uid} ANNOTATION (/comment (value.shared "${value}"))`);
  }

  /** Does what cyr_expire does in time: expunged messages of this user leave the index and the disk. */
  async cleanUp(user: string): Promise<void> {
    await this.server.runOk('cyr_expire', ['-E', '0', '-X', '0', '-u', user]);
  }

  /** `UID subject flags` of each message, in UID order. */
  async messages(mailbox: string): Promise<string[]> {
    await this.imap.ok(`EXAMINE ${mailbox}`);
    const fetched = await this.imap.ok('UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
    await this.imap.ok('UNSELECT');
    return fetched.map(([, , items]) => {
      const list = expectList(items, 'FETCH items');
      const value = (name: string) => list[list.indexOf(name) + 1];
      const header = list.find((item) => typeof item === 'string' && item.startsWith('Subject: '));
      const subject = expectText(header, 'a subject').slice('Subject: '.length).trim();
      const flags = expectList(value('FLAGS'), 'flags')
        .map(String)
        .filter((flag) => flag !== '\\Recent')
        .sort();
      return [value('UID'), subject, ...flags].join(' ');
    });
  }

  /** The shared comment of each message that has one, by UID. */
  async comments(mailbox: string): Promise<Record<string, string>> {
    await this.imap.ok(`EXAMINE ${mailbox}`);
    const fetched = await this.imap.ok('UID FETCH 1:* (UID ANNOTATION (/comment value.shared))');
    await this.imap.ok('UNSELECT');
    const comments: Record<string, string> = {};
    for (const [, , items] of fetched) {
      const text = JSON.stringify(items);
      const uid = /"UID","(\d+)"/.exec(text)?.[1] ?? '';
      const comment = /"value\.shared","([^"]*)"/.exec(text)?.[1];
      if (comment !== undefined) comments[uid] = comment;
    }
    return comments;
  }

  /** The mailbox's own shared comment. */
  async mailboxComment(mailbox: string): Promise<string> {
    const [metadata] = await this.imap.ok(`GETMETADATA ${mailbox} /shared/comment`);
    return expectText(expectList(metadata?.[2], 'metadata')[1], 'a comment');
  }

  async uidNext(mailbox: string): Promise<number> {
    const [status] = await this.imap.ok(`STATUS ${mailbox} (UIDNEXT)`);
    return Number(expectList(status?.[2], 'STATUS items')[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.imap[Symbol.asyncDispose]();
  }
}

export interface Sides extends AsyncDisposable {
  pair: Pair;
  master: Side;
  replica: Side;
}

/** Both servers of a pair, with the administrator logged in. */
export async function openSides(pair: Pair): Promise<Sides> {
  const master = await Side.open(pair.master);
  const replica = await Side.open(pair.replica);
  return {
    pair,
    master,
    replica,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([master[Symbol.asyncDispose](), replica[Symbol.asyncDispose]()]);
    },
  };
}

export function messageOf(subject: string, body = ''): Buffer {
  return Buffer.from(
    `From: <a@example.net>\r\nSubject: ${subject}\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n` +
      `Message-ID: <${subject}.${body}@example.net>\r\n\r\n${body}\r\n`,
  );
}

/** A body with which the message's GUID sorts above that of the other message. */
export function bodyWithGuidAbove(subject: string, other: Buffer): string {
  const digest = (message: Buffer) => createHash('sha1').update(message).digest('hex');
  const least = digest(other);
  for (let attempt = 0; ; attempt += 1) {
    const body = `attempt ${attempt}`;
    if (digest(messageOf(subject, body)) > least) return body;
  }
}

/** Cyrus dates changes to the second: what is to be the later one has to wait for the next. */
export async function nextSecond(): Promise<void> {
  const now = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 1_010 - (now % 1_000)));
}
