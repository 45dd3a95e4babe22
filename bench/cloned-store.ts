import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CyrusScratch } from '../test/cyrus-db/cyr-dbtool.ts';
import { giveToCyrus, CyrusServer as Server } from '../test/support/cyrus-server.ts';
import {
  type Mailbox,
  MailboxTemplate,
  nameOf,
  TEMPLATE_MESSAGES,
  TEMPLATE_SIZE,
} from './mailbox-template.ts';
import { inParallel, type Store } from './stores.ts';

/** A store of more mailboxes than real servers make in reasonable time: copies of one that a real server has made. */
export interface CloneSpec {
  kind: 'clones';
  users: number;
  /** Of each user, the INBOX included. */
  mailboxes: number;
}

const COMPLETE = 'bench-store.json';
/** Rows of one transaction of cyr_dbtool. */
const ROWS_AT_ONCE = 50_000;
/** Directories made at once. */
const AT_ONCE = 32;
/** Mailboxes that Cyrus's tools are asked about afterwards. */
const SAMPLE = 20;
/** Cyrus's own ids have as many. */
const ID_LENGTH = 24;

/**
 * The store of that size from the cache; made there first if need be. Its `spool/default` is a link to the files, so
 * that servers which only read it share them.
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
    const files = join(directory, 'files');
    await mkdir(join(server.directory, 'files'));
    const all = [...mailboxes(spec)];
    await copyDirectories(template, all, join(server.directory, 'files'));
    await writeRows(server, template, all);
    await rm(join(server.directory, 'spool', 'default'), { recursive: true });
    giveToCyrus(server.directory);
    await symlink(join(server.directory, 'files'), join(server.directory, 'spool', 'default'));
    await verify(server, all);
    await rm(join(server.directory, 'spool', 'default'));
    await symlink(files, join(server.directory, 'spool', 'default'));
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

function* mailboxes({ users, mailboxes }: CloneSpec): Generator<Mailbox> {
  let number = 0;
  for (let i = 1; i <= users; i++) {
    const user = `u${String(i).padStart(7, '0')}`;
    for (let at = 0; at < mailboxes; at++) {
      const folder = at === 0 ? '' : `Folder${String(at).padStart(6, '0')}`;
      // The last digits come first: spool directories are named by the first two.
      const id = [...(number++).toString(36).padStart(ID_LENGTH, '0')].reverse().join('');
      yield { user, folder, id };
    }
  }
}

async function copyDirectories(
  template: MailboxTemplate,
  all: readonly Mailbox[],
  files: string,
): Promise<void> {
  const shared = (await readdir(template.directory)).filter(
    (name) => name !== 'cyrus.header' && name !== 'cyrus.index',
  );
  const sources = new Map(shared.map((name) => [name, join(template.directory, name)]));
  for (const above of new Set(all.map(({ id }) => join(files, 'uuid', id[0] ?? '', id[1] ?? '')))) {
    await mkdir(above, { recursive: true });
  }
  await inParallel(all, AT_ONCE, async (mailbox) => {
    const { id } = mailbox;
    const directory = join(files, 'uuid', id[0] ?? '', id[1] ?? '', id);
    await mkdir(directory, { mode: 0o700 });
    const { header, index } = template.files(mailbox);
    await writeFile(join(directory, 'cyrus.header'), header, { mode: 0o600 });
    await writeFile(join(directory, 'cyrus.index'), index, { mode: 0o600 });
    for (const [name, source] of sources) {
      const copy = join(directory, name);
      try {
        await link(source, copy);
      } catch (error) {
        // So many links and no more: the next copies share this file.
        if ((error as NodeJS.ErrnoException).code !== 'EMLINK') throw error;
        await copyFile(source, copy);
        sources.set(name, copy);
      }
    }
  });
}

async function writeRows(server: Server, template: MailboxTemplate, all: readonly Mailbox[]): Promise<void> {
  const database = join(server.configDirectory, 'mailboxes.db');
  await rm(database);
  const scratch = new CyrusScratch();
  const made = scratch.path('mailboxes.db');
  const write = (rows: readonly { key: string; value: string }[]) => {
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      const some = rows.slice(at, at + ROWS_AT_ONCE);
      scratch.transaction(
        made,
        'twoskip',
        some.map(({ key, value }) => ({ set: key, value })),
      );
    }
  };
  // In the order of the keys, where a row goes to the end of the file and nothing has to be looked for.
  const byId = all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  write(byId.map((mailbox) => template.rowById(mailbox)));
  write(all.map((mailbox) => template.rowByName(mailbox)));
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
