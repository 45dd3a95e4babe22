import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CyrusScratch } from '../test/lab/cyrus-scratch.ts';
import { giveToCyrus, CyrusServer as Server } from '../test/lab/cyrus-server.ts';
import {
  hashedPath,
  type Mailbox,
  MailboxTemplate,
  nameOf,
  type Row,
  TEMPLATE_MESSAGES,
  TEMPLATE_SIZE,
} from './mailbox-template.ts';
import { inParallel, type Store } from './stores.ts';

/** A store of more mailboxes than real servers make in reasonable time: copies of one that a real server has made. */
export interface CloneSpec {
  kind: 'clones';
  users: number;
  /** Mailboxes of each user, the INBOX included. */
  mailboxes: number;
}

const COMPLETE = 'bench-store.json';
/** Rows of one transaction of cyr_dbtool. */
const ROWS_AT_ONCE = 50_000;
/** Directories made at once. */
const AT_ONCE = 32;
/** Mailboxes that Cyrus's tools are asked about afterwards. */
const SAMPLE = 20;
/** Spool directories are named by the first two characters of an id, of which there are 36 each. */
const HASHED_DIRECTORIES = 36 * 36;
/** Cyrus's own ids have as many. */
const ID_LENGTH = 24;

/**
 * The store of that size from the cache; made there first if need be. Its `spool/default` and `conf/user` are links,
 * so that servers which only read it share the files.
 */
export async function clonedStore(
  spec: CloneSpec,
  cache: string,
  say: (text: string) => void,
): Promise<Store> {
  const directory = join(cache, `clones-${spec.users}u-${spec.mailboxes}f`);
  const complete = join(directory, COMPLETE);
  if (existsSync(complete)) {
    return { ...(JSON.parse(await readFile(complete, 'utf8')) as Store), directory };
  }
  say(`making a store of ${spec.users} users with ${spec.mailboxes} mailboxes each`);
  await rm(directory, { recursive: true, force: true });
  const server = await Server.start('template');
  try {
    const template = await MailboxTemplate.make(server);
    const all = [...mailboxes(spec)];
    const files = join(server.directory, 'files');
    await copyDirectories(template, all, files);
    await writeRows(server, template, all);
    giveToCyrus(server.directory);
    await linkFiles(server.directory, files);
    await verify(server, all);
    await linkFiles(server.directory, join(directory, 'files'));
    const count = all.length * TEMPLATE_MESSAGES;
    const store = {
      users: all.filter(({ folder }) => folder === '').map(({ user }) => user),
      messages: count,
      octets: count * TEMPLATE_SIZE,
      mailboxes: all.length,
      shared: true,
    };
    await writeFile(join(server.directory, COMPLETE), JSON.stringify(store));
    await rename(server.directory, directory);
    return { ...store, directory };
  } finally {
    await server.stop();
  }
}

/** Puts links to the files of all copies where a server looks for them. */
async function linkFiles(server: string, files: string): Promise<void> {
  const links = { 'spool/default': 'spool', 'conf/user': 'user' };
  for (const [place, target] of Object.entries(links)) {
    await rm(join(server, place), { recursive: true });
    await symlink(join(files, target), join(server, place));
  }
}

function* mailboxes({ users, mailboxes }: CloneSpec): Generator<Mailbox> {
  let number = 0;
  for (let i = 1; i <= users; i++) {
    const user = `u${String(i).padStart(7, '0')}`;
    for (let at = 0; at < mailboxes; at++) {
      const folder = at === 0 ? '' : `Folder${String(at).padStart(6, '0')}`;
      // The last digits come first, so that the first ids have every beginning.
      const id = [...(number++).toString(36).padStart(ID_LENGTH, '0')].reverse().join('');
      yield { user, folder, id };
    }
  }
}

/** @param files `spool` and `user` of all copies come here */
async function copyDirectories(
  template: MailboxTemplate,
  all: readonly Mailbox[],
  files: string,
): Promise<void> {
  const [spool, user] = [join(files, 'spool'), join(files, 'user')];
  for (const { id } of all.slice(0, HASHED_DIRECTORIES)) {
    for (const root of [spool, user]) await mkdir(dirname(hashedPath(root, id)), { recursive: true });
  }
  const own = ['cyrus.header', 'cyrus.index'];
  const others = (await readdir(template.directory)).filter((name) => !own.includes(name));
  const mailboxFiles = new Links(others.map((name) => join(template.directory, name)));
  const userFiles = new Links(template.userFiles);
  await inParallel(all, AT_ONCE, async (mailbox) => {
    const directory = hashedPath(spool, mailbox.id);
    await mkdir(directory, { mode: 0o700 });
    const { header, index } = template.files(mailbox);
    await writeFile(join(directory, 'cyrus.header'), header, { mode: 0o600 });
    await writeFile(join(directory, 'cyrus.index'), index, { mode: 0o600 });
    await mailboxFiles.into(directory);
    if (mailbox.folder !== '') return;
    const userDirectory = hashedPath(user, mailbox.id);
    await mkdir(userDirectory, { mode: 0o700 });
    await userFiles.into(userDirectory);
  });
}

/** Files that are the same everywhere. */
class Links {
  readonly #sources: Map<string, string>;

  constructor(paths: readonly string[]) {
    this.#sources = new Map(paths.map((path) => [basename(path), path]));
  }

  async into(directory: string): Promise<void> {
    for (const [name, source] of this.#sources) {
      const copy = join(directory, name);
      try {
        await link(source, copy);
      } catch (error) {
        // So many links and no more: the next ones are links to this copy.
        if ((error as NodeJS.ErrnoException).code !== 'EMLINK') throw error;
        await copyFile(source, copy);
        this.#sources.set(name, copy);
      }
    }
  }
}

async function writeRows(server: Server, template: MailboxTemplate, all: readonly Mailbox[]): Promise<void> {
  const database = join(server.configDirectory, 'mailboxes.db');
  await rm(database);
  const scratch = new CyrusScratch();
  const made = scratch.path('mailboxes.db');
  const write = (sorted: readonly Mailbox[], rowOf: (mailbox: Mailbox) => Row) => {
    for (let at = 0; at < sorted.length; at += ROWS_AT_ONCE) {
      const rows = sorted.slice(at, at + ROWS_AT_ONCE).map(rowOf);
      scratch.transaction(
        made,
        'twoskip',
        rows.map(({ key, value }) => ({ set: key, value })),
      );
    }
  };
  // In the order of the keys, where a row goes to the end of the file and nothing has to be looked for.
  const byId = all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  write(byId, (mailbox) => template.rowById(mailbox));
  write(all, (mailbox) => template.rowByName(mailbox));
  await copyFile(made, database);
  scratch.remove();
}

/** Cyrus's own tools find the same as in a store of its own making. */
async function verify(server: Server, all: readonly Mailbox[]): Promise<void> {
  const step = Math.max(1, Math.floor(all.length / SAMPLE));
  for (let at = 0; at < all.length; at += step) {
    const mailbox = all[at];
    if (mailbox === undefined) break;
    const name = nameOf(mailbox, '/');
    const { stdout: examined } = await server.runOk('mbexamine', [name]);
    if (
      !examined.includes(`Unique ID: ${mailbox.id}`) ||
      !examined.includes(`Last UID: ${TEMPLATE_MESSAGES}`)
    ) {
      throw new Error(`mbexamine does not find the copy ${name}:\n${examined}`);
    }
    const { stdout: repaired, stderr } = await server.runOk('reconstruct', ['-n', name]);
    if (repaired.trim() !== name || stderr !== '') {
      throw new Error(`reconstruct would change the copy ${name}:\n${repaired}${stderr}`);
    }
  }
}
