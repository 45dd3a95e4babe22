import type { ByteString } from '../../byte-string.ts';
import type { StoreLayout } from './store-layout.ts';

/**
 * A mailbox as its administrator types it: `user/jo.smith/Sent@dom` for `dom!user.jo^smith.Sent`, or with dots where
 * they separate. `altnamespace` changes what users see, never this.
 */
export function externalName(
  { unixhierarchysep }: Pick<StoreLayout, 'unixhierarchysep'>,
  internal: ByteString,
): ByteString {
  const bang = internal.indexOf('!');
  const path = internal.slice(bang + 1);
  const name = unixhierarchysep ? path.replaceAll('.', '/').replaceAll('^', '.') : path;
  return bang < 0 ? name : `${name}@${internal.slice(0, bang)}`;
}
