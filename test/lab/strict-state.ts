import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SyncError } from '../../src/report/sync-error.ts';
import type { CyrusServer } from './cyrus-server.ts';
import { filesBelow } from './files-below.ts';
import { type FullMailbox, fullMailbox, fullState, openSync, type UserState } from './full-state.ts';

/**
 * The parts of a server that neither an IMAP client nor a comparison of counters sees: every record of every mailbox, expunged ones
 * included, what is kept of users beside their mail, how much of each quota is used, and the octets of every message file.
 */
export interface StrictState {
  mailboxes: Record<string, FullMailbox>;
  users: Record<string, UserState>;
  /** Lines of Cyrus's own tool, by root. */
  quota: Record<string, string>;
  /** SHA-1 of each file, by its directory below the partition. */
  files: Record<string, Record<string, string>>;
}

/** @param names of all mailboxes that have records */
export async function strictState(
  server: CyrusServer,
  users: readonly string[],
  names: readonly string[],
): Promise<StrictState> {
  const session = await openSync(server);
  const mailboxes: StrictState['mailboxes'] = {};
  try {
    for (const name of names) {
      const mailbox = await ifThere(fullMailbox(session, name));
      if (mailbox) mailboxes[name] = mailbox;
    }
  } finally {
    await session.exit();
  }
  const states = Object.entries(await fullState(server, users));
  return {
    mailboxes,
    users: Object.fromEntries(states.map(([user, { mailboxes: _all, ...rest }]) => [user, rest])),
    quota: await quotaUsage(server),
    files: await messageFiles(server),
  };
}

/** A mailbox that only the other side has is a difference like any other. */
async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (caught) {
    if (caught instanceof SyncError && caught.code === 'IMAP_MAILBOX_NONEXISTENT') return undefined;
    throw caught;
  }
}

async function quotaUsage(server: CyrusServer): Promise<Record<string, string>> {
  const { stdout } = await server.runOk('quota');
  const rows = stdout.trimEnd().split('\n').slice(1);
  return Object.fromEntries(
    rows.map((row) => {
      // `  LIMIT  PERCENT  USED  RESOURCE ROOT`
      const [, amounts = row, resource = '', root = ''] = /^(.*?) ([A-Z-]+) (.*)$/.exec(row) ?? [];
      return [`${root} ${resource}`, amounts.trim().replaceAll(/ +/g, ' ')];
    }),
  );
}

async function messageFiles(server: CyrusServer): Promise<StrictState['files']> {
  const files: StrictState['files'] = {};
  for (const partition of Object.keys(server.partitions)) {
    for (const part of ['spool', 'archive']) {
      const root = join(server.directory, part, partition);
      for (const file of filesBelow(root)) {
        const name = basename(file);
        if (!/^\d+\.$/.test(name)) continue;
        const directory = dirname(file).slice(root.length);
        const digest = createHash('sha1').update(await readFile(file));
        const own = files[directory] ?? {};
        own[name] = digest.digest('hex');
        files[directory] = own;
      }
    }
  }
  return files;
}

/**
 * Leaves what is live. An expunged record is final: after a merge each side keeps its own, and when it is cleaned up is each
 * server's own affair as well.
 */
export function withoutExpunged(state: StrictState): StrictState {
  const files = { ...state.files };
  const mailboxes: StrictState['mailboxes'] = {};
  for (const [name, mailbox] of Object.entries(state.mailboxes)) {
    const all = Object.entries(mailbox.records);
    const live = all.filter(([, { flags }]) => !flags.includes('\\Expunged'));
    mailboxes[name] = { ...mailbox, records: Object.fromEntries(live) };
    const directory = Object.keys(files).find((each) => each.endsWith(`/${mailbox.uniqueid}`));
    if (directory === undefined) continue;
    const names = new Set(live.map(([uid]) => `${uid}.`));
    const kept = Object.entries(files[directory] ?? {}).filter(([file]) => names.has(file));
    if (kept.length > 0) files[directory] = Object.fromEntries(kept);
    else delete files[directory];
  }
  return { ...state, mailboxes, files };
}
