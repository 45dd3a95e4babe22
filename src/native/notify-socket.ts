import { getSystemErrorName } from 'node:util';
import { SyncError } from '../report/sync-error.ts';
import { libc } from './libc.ts';
import { unixAddress } from './unix-address.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Datagrams to a service manager (sd_notify(3)); Node has none over unix sockets. */
export interface NotifySocket {
  /**
   * Never waits.
   *
   * @param text lines such as `READY=1`
   * @throws SyncError IO when nobody takes it
   */
  send(text: string): void;
  close(): void;
}

/**
 * @param path as in $NOTIFY_SOCKET: absolute, or behind an `@` a name in the abstract namespace
 * @throws SyncError IO
 */
export function openNotifySocket(path: string): NotifySocket {
  const address = unixAddress(path, 'expected in $NOTIFY_SOCKET what a service manager puts there');
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed('socket', path);
  return {
    send(text) {
      const octets = Buffer.from(text);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = libc().sendto(fd, octets, octets.length, flags, address, address.length);
      if (sent < 0) throw failed('sendto', path);
    },
    close() {
      libc().close(fd);
    },
  };
}

function failed(call: string, path: string): SyncError {
  const code = getSystemErrorName(-libc().errno());
  const error = new Error(`${path}: ${call} failed: ${code}`);
  return SyncError.from(Object.assign(error, { code, syscall: call }));
}
