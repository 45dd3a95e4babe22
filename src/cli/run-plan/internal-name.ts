import type { ByteString } from '../../byte-string.ts';

/** The options of imapd.conf that decide how an administrator spells a mailbox (store 3.2). */
export interface NameSpelling {
  unixhierarchysep: boolean;
  virtdomains: 'off' | 'userid' | 'on';
  defaultdomain: ByteString;
}

/**
 * An administrator's spelling (`user/jo.smith/Sent@example.org`) as internal name (`example.org!user.jo^smith.Sent`).
 * The domain is split off at the last `@`, if there are domains at all, and dropped if it is the default one.
 *
 * @returns undefined for a name that cannot be a mailbox: empty, or with a character that stands for a separator in the
 *   other spelling (`^` beside `/`, or `/` beside `.`)
 */
export function internalName(external: ByteString, spelling: NameSpelling): ByteString | undefined {
  const at = spelling.virtdomains === 'off' ? -1 : external.lastIndexOf('@');
  const path = at < 0 ? external : external.slice(0, at);
  const domain = at < 0 ? '' : external.slice(at + 1);
  if (path === '' || path.includes(spelling.unixhierarchysep ? '^' : '/')) return undefined;
  const name = spelling.unixhierarchysep ? path.replaceAll('.', '^').replaceAll('/', '.') : path;
  return domain === '' || domain === spelling.defaultdomain ? name : `${domain}!${name}`;
}
