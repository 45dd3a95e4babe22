import { getSystemErrorName } from 'node:util';
import { SyncError } from '../report/sync-error.ts';
import { libc } from './libc.ts';
import { unixAddress } from './unix-address.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
/** One client connects; a few more may wait. */
const BACKLOG = 8;

/**
 * A listening unix socket as a bare descriptor, to be handed to a child process that accepts on it. Node's own servers
 * accept in this process as well, and so cannot be handed over.
 *
 * @throws SyncError IO
 */
export function listenUnix(path: string): number {
  const address = unixAddress(path, 'set TMPDIR to a shorter directory');
  const fd = libc().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed('socket', path);
  const refusal =
    libc().bind(fd, address, address.length) < 0
      ? failed('bind', path)
      : libc().listen(fd, BACKLOG) < 0
        ? failed('listen', path)
        : undefined;
  if (refusal === undefined) return fd;
  libc().close(fd);
  throw refusal;
}

/** Closes a descriptor that Node did not open and would warn about. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

function failed(call: string, path: string): SyncError {
  const code = getSystemErrorName(-libc().errno());
  const error = new Error(`${path}: ${call} failed: ${code}`);
  return SyncError.from(Object.assign(error, { code, syscall: call }));
}
