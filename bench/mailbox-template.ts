import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { headerLayout } from '../src/store/mailbox/index-layouts.ts';
import type { CyrusServer } from '../test/lab/cyrus-server.ts';
import { makeMail } from './make-mail.ts';

/** Messages of the mailbox, and their octets. */
export const TEMPLATE_MESSAGES = 2;
export const TEMPLATE_SIZE = 1500;
const USER = 'template';
/** Between the parts of a name in mailboxes.db, and in cyrus.header. */
const ROW_SEPARATOR = '\x1f';
const HEADER_SEPARATOR = '.';

/** A mailbox that says the same as the template, under another name. */
export interface Mailbox {
  user: string;
  /** Below the INBOX; empty: the INBOX. */
  folder: string;
  id: string;
}

/** Its row of mailboxes.db. */
export interface Row {
  key: string;
  value: string;
}

/** A mailbox that a real server has made, and what its copies must say otherwise. */
export class MailboxTemplate {
  readonly directory: string;
  /** Files of its user, below `conf/user`. */
  readonly userFiles: readonly string[];
  readonly #id: string;
  readonly #header: string;
  readonly #index: Buffer;
  readonly #rowByName: string;
  readonly #rowById: string;

  private constructor(
    directory: string,
    id: string,
    files: [string, Buffer],
    rows: [string, string],
    userFiles: readonly string[],
  ) {
    this.directory = directory;
    this.userFiles = userFiles;
    this.#id = id;
    [this.#header, this.#index] = files;
    [this.#rowByName, this.#rowById] = rows;
  }

  /** Makes it on a running server, which is then stopped. */
  static async make(server: CyrusServer): Promise<MailboxTemplate> {
    {
      await using admin = await server.imap();
      await admin.ok(`CREATE user/${USER}`);
      await using client = await server.imap(USER);
      for (let i = 1; i <= TEMPLATE_MESSAGES; i++) {
        await client.ok('APPEND INBOX () ', makeMail(i, TEMPLATE_SIZE));
      }
    }
    await askForUser(server.syncSocket);
    await server.halt();
    const directory = (await server.runOk('mbpath', [`user/${USER}`])).stdout.trim();
    const database = join(server.configDirectory, 'mailboxes.db');
    const { stdout } = await server.runOk('cyr_dbtool', ['-n', database, 'twoskip', 'show']);
    const rows = new Map(stdout.split('\n').map((line) => line.split('\t') as [string, string]));
    const byName = rows.get(`Nuser${ROW_SEPARATOR}${USER}`);
    const id = / I (\w+) /.exec(byName ?? '')?.[1];
    const byId = rows.get(`I${id}`);
    if (byName === undefined || id === undefined || byId === undefined) {
      throw new Error(`mailboxes.db has no rows as expected:\n${stdout}`);
    }
    const header = await readFile(join(directory, 'cyrus.header'), 'latin1');
    const index = await readFile(join(directory, 'cyrus.index'));
    const above = hashedPath(join(server.configDirectory, 'user'), id);
    const userFiles = (await readdir(above)).map((name) => join(above, name));
    return new MailboxTemplate(directory, id, [header, index], [byName, byId], userFiles);
  }

  rowByName(mailbox: Mailbox): Row {
    const value = this.#told(this.#rowByName, mailbox, ROW_SEPARATOR);
    return { key: `N${nameOf(mailbox, ROW_SEPARATOR)}`, value };
  }

  rowById(mailbox: Mailbox): Row {
    return { key: `I${mailbox.id}`, value: this.#told(this.#rowById, mailbox, ROW_SEPARATOR) };
  }

  /** Octets of cyrus.header, and of cyrus.index, which knows the checksum of the other. */
  files(mailbox: Mailbox): { header: Buffer; index: Buffer } {
    const header = Buffer.from(this.#told(this.#header, mailbox, HEADER_SEPARATOR), 'latin1');
    const index = Buffer.from(this.#index);
    const { own, ofHeader } = this.#checksums;
    index.writeUInt32BE(crc32(header), ofHeader);
    index.writeUInt32BE(crc32(index.subarray(0, own)), own);
    return { header, index };
  }

  /** Where cyrus.index has them. */
  get #checksums(): { own: number; ofHeader: number } {
    const own = headerLayout(this.#index.readUInt32BE(8))?.headerCrc;
    const wanted = Buffer.alloc(4);
    wanted.writeUInt32BE(crc32(Buffer.from(this.#header, 'latin1')));
    const ofHeader = this.#index.indexOf(wanted);
    if (own === undefined || ofHeader < 0 || ofHeader >= own) {
      throw new Error('cyrus.index does not have the checksum of cyrus.header where it was looked for');
    }
    return { own, ofHeader };
  }

  /** Name first: the user's name is also in the rights. */
  #told(text: string, mailbox: Mailbox, separator: string): string {
    return text
      .replace(`user${separator}${USER}`, nameOf(mailbox, separator))
      .replaceAll(USER, mailbox.user)
      .replace(this.#id, mailbox.id);
  }
}

/** A replica that is asked for a user makes the user's dav.db, and takes longer for that than for all the rest. */
async function askForUser(socketPath: string): Promise<void> {
  const socket = connect(socketPath);
  socket.write(`GET USER ${USER}\r\nEXIT\r\n`);
  let answers = '';
  for await (const chunk of socket) answers += String(chunk);
  if (!/^\* MAILBOX /m.test(answers)) throw new Error(`GET USER was answered ${answers}`);
}

/** Where Cyrus has what belongs to the mailbox with that id. */
export function hashedPath(root: string, id: string): string {
  return join(root, 'uuid', id[0] ?? '', id[1] ?? '', id);
}

export function nameOf({ user, folder }: Mailbox, separator: string): string {
  return ['user', user, ...(folder === '' ? [] : [folder])].join(separator);
}
