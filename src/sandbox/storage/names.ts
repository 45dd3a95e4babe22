import type { ByteString } from '../../byte-string.ts';

const DELETED_PREFIX = 'DELETED.';

/**
 * Roots of a user's mailboxes, internal form. Whether the replica has virtual domains is not something a sandbox is
 * told, so both readings of `local@domain` are tried: one of them does not exist.
 */
export function userRoots(userid: ByteString): ByteString[] {
  const roots = [`user.${userid.replaceAll('.', '^')}`];
  const at = userid.lastIndexOf('@');
  if (at > 0) roots.push(`${userid.slice(at + 1)}!user.${userid.slice(0, at).replaceAll('.', '^')}`);
  return roots;
}

/** Where deleted mailboxes below `root` are kept. */
export function deletedRoot(root: ByteString): ByteString {
  const bang = root.indexOf('!');
  return `${root.slice(0, bang + 1)}${DELETED_PREFIX}${root.slice(bang + 1)}`;
}

/** The userid that a mailbox belongs to, deleted ones included; undefined for shared mailboxes. */
export function ownerOf(name: ByteString): ByteString | undefined {
  const bang = name.indexOf('!');
  const local = name.slice(bang + 1);
  const parts = (local.startsWith(DELETED_PREFIX) ? local.slice(DELETED_PREFIX.length) : local).split('.');
  const [first, user] = parts;
  if (first !== 'user' || user === undefined || user === '') return undefined;
  const userid = user.replaceAll('^', '.');
  return bang > 0 ? `${userid}@${name.slice(0, bang)}` : userid;
}

export function isDeleted(name: ByteString): boolean {
  return name.slice(name.indexOf('!') + 1).startsWith(DELETED_PREFIX);
}

/** The name and its ancestors, nearest first: `user.a.b`, `user.a`, `user`. */
export function* lineage(name: ByteString): Generator<ByteString> {
  const start = name.indexOf('!') + 1;
  for (let end = name.length; end > start; end = name.lastIndexOf('.', end - 1)) {
    yield name.slice(0, end);
  }
}
