import { SyncError } from '../report/sync-error.ts';

const AF_UNIX = 1;
/** sun_path of struct sockaddr_un, its final NUL included. */
const PATH_OCTETS = 108;
export const MOST_SOCKET_PATH_OCTETS = PATH_OCTETS - 1;

/**
 * Makes a struct sockaddr_un.
 *
 * @param path absolute, or behind an `@` a name in the abstract namespace, whose length counts
 * @param hint for one that is too long
 * @throws SyncError IO
 */
export function unixAddress(path: string, hint: string): Buffer {
  const octets = Buffer.from(path);
  if (octets.length > MOST_SOCKET_PATH_OCTETS) {
    throw new SyncError('IO', `${path}: a socket's path has at most ${MOST_SOCKET_PATH_OCTETS} octets`, {
      hint,
    });
  }
  const isAbstract = path.startsWith('@');
  const address = Buffer.alloc(2 + (isAbstract ? octets.length : PATH_OCTETS));
  address.writeUInt16LE(AF_UNIX, 0);
  octets.copy(address, 2);
  if (isAbstract) address[2] = 0;
  return address;
}
