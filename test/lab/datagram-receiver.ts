import { createRequire } from 'node:module';
import type koffi from 'koffi';
import { unixAddress } from '../../src/native/unix-address.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const LARGEST = 4_096;

/** The other end of what a service manager is told. */
export interface DatagramReceiver extends Disposable {
  /** Everything that has come since the last call. */
  received(): string[];
}

/** @param path of the socket, or behind an `@` a name in the abstract namespace */
export function receiveDatagrams(path: string): DatagramReceiver {
  const { load } = createRequire(import.meta.url)('koffi') as typeof koffi;
  const library = load(null);
  const socket = library.func('int socket(int domain, int type, int protocol)');
  const bind = library.func('int bind(int fd, const void *address, uint32_t length)');
  const receive = library.func('intptr_t recv(int fd, void *data, size_t length, int flags)');
  const close = library.func('int close(int fd)');
  const fd: number = socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = unixAddress(path, 'a shorter path');
  if (fd < 0 || bind(fd, address, address.length) < 0) throw new Error(`${path}: cannot be listened on`);
  return {
    received() {
      const data = Buffer.alloc(LARGEST);
      const found: string[] = [];
      for (;;) {
        const octets = Number(receive(fd, data, data.length, MSG_DONTWAIT));
        if (octets < 0) return found;
        found.push(data.toString('utf8', 0, octets));
      }
    },
    [Symbol.dispose]: () => void close(fd),
  };
}
