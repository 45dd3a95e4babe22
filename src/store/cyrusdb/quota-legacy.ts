import { readdirSync } from 'node:fs';
import { type ByteString, compareBytes } from '../../byte-string.ts';
import { hasErrno } from '../../native/has-errno.ts';
import { readRegular } from '../../native/open-regular.ts';
import { nameInText } from '../../report/name-in-text.ts';
import { SyncError } from '../../report/sync-error.ts';
import { MAX_QUOTA_OCTETS } from '../files/limits.ts';
import { onDisk } from '../files/on-disk.ts';
import { damaged } from './damaged.ts';
import { directoryHash } from './directory-hash.ts';

export interface QuotaLegacyLayout {
  /** Holds `quota/` and `domain/`: the directory of `quota_db_path`, by default the configdirectory. */
  directory: string;
  /** `dom!name` is filed below `domain/`. */
  virtdomains: boolean;
  fulldirhash: boolean;
}

/** Quotas in one file for each root. Writers rename a new file over the old one, so that no lock is needed. */
export interface QuotaLegacy {
  /**
   * @param root internal name: `user.jo^smith`, `dom!user.x`, `dom!` for a whole domain
   * @returns undefined if there is no such root, or if its file is empty
   * @throws SyncError DATABASE_DAMAGED, IO
   */
  get(root: ByteString): ByteString | undefined;

  /**
   * Yields all roots in the order of their octets; each file is read when its turn comes.
   *
   * @throws SyncError DATABASE_DAMAGED, IO
   */
  entries(): Generator<[root: ByteString, value: ByteString]>;
}

/** `quota -f` on a damaged file ends with 70, or takes the root from its mailboxes (3.6.1). */
export const QUOTA_REPAIR =
  'restore the file from a backup; or remove it, set the quota anew with cyradm setquota, and only then run quota -f';

/** The file of the quota of a whole domain. */
const WHOLE_DOMAIN = 'root';
/** A writer's new file before its rename, or a root whose last part is NEW: only the final LF tells them apart. */
const UNFINISHED = '.NEW';

/** Opens the quota files, one for each root, filed as Cyrus does it (store 2.4). */
export function quotaLegacy(layout: QuotaLegacyLayout): QuotaLegacy {
  const { directory } = layout;

  function read(root: ByteString, path: ByteString): ByteString | undefined {
    const content = absentOr(() => readRegular(onDisk(directory, path), MAX_QUOTA_OCTETS));
    if (content === undefined || content.length === 0) return undefined;
    const text = content.toString('latin1');
    if (!text.endsWith('\n')) {
      if (root.endsWith(UNFINISHED)) return undefined;
      throw damaged(
        `${directory}/${path}`,
        text.length,
        `quota root ${nameInText(root)}: expected a final LF`,
        QUOTA_REPAIR,
      );
    }
    const value = text.slice(0, -1);
    // The old form is on two lines; Cyrus shows them as one.
    return value.startsWith('%') ? value : value.replace('\n', ' ');
  }

  return {
    get(root) {
      return read(root, pathOf(layout, root));
    },

    *entries() {
      const files = [...filesBelow(directory, '', '')];
      if (layout.virtdomains) {
        for (const hash of names(directory, 'domain')) {
          for (const domain of names(directory, `domain/${hash}`)) {
            files.push(...filesBelow(directory, `domain/${hash}/${domain}/`, `${domain}!`));
          }
        }
      }
      files.sort((a, b) => compareBytes(a.root, b.root));
      for (const { root, path } of files) {
        // What lies under another letter than the one where Cyrus would look for it is no quota either.
        if (path !== pathOf(layout, root)) continue;
        const value = read(root, path);
        if (value !== undefined) yield [root, value];
      }
    },
  };
}

function pathOf({ virtdomains, fulldirhash }: QuotaLegacyLayout, root: ByteString): ByteString {
  if (/[/\0]/.test(root)) {
    throw new SyncError(
      'IO',
      `quota root "${nameInText(root)}": expected a mailbox name, found / or NUL in it`,
      {
        phase: 'read',
        hint: 'run reconstruct on the mailboxes of this quota root',
      },
    );
  }
  const separator = virtdomains ? root.indexOf('!') : -1;
  if (separator < 0) return `quota/${bucket(root, fulldirhash)}/${root}`;
  const domain = root.slice(0, separator);
  const name = root.slice(separator + 1);
  const base = `domain/${directoryHash(domain, fulldirhash)}/${domain}/quota`;
  return name === '' ? `${base}/${WHOLE_DOMAIN}` : `${base}/${bucket(name, fulldirhash)}/${name}`;
}

/** `user.` is skipped, or all users would be in one directory. */
function bucket(name: ByteString, fulldirhash: boolean): string {
  return directoryHash(name.slice(name.indexOf('.') + 1), fulldirhash);
}

function* filesBelow(
  directory: string,
  base: ByteString,
  domain: ByteString,
): Generator<{ root: ByteString; path: ByteString }> {
  for (const hash of names(directory, `${base}quota`)) {
    if (domain !== '' && hash === WHOLE_DOMAIN) yield { root: domain, path: `${base}quota/${WHOLE_DOMAIN}` };
    if (hash.length !== 1) continue;
    for (const name of names(directory, `${base}quota/${hash}`)) {
      yield { root: `${domain}${name}`, path: `${base}quota/${hash}/${name}` };
    }
  }
}

function names(directory: string, path: ByteString): ByteString[] {
  return absentOr(() => readdirSync(onDisk(directory, path), { encoding: 'latin1' })) ?? [];
}

function absentOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (caught) {
    if (hasErrno(caught, 'ENOENT')) return undefined;
    throw SyncError.from(caught, { phase: 'read', hint: 'run this as the user that Cyrus runs as' });
  }
}
