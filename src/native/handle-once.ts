import { constants } from 'node:os';
import { libc } from './libc.ts';

/**
 * `struct sigaction` of glibc and musl on x86-64, ARM, POWER and RISC-V: the handler, a mask of 128 octets, then the
 * flags; other architectures have the flags elsewhere, which `SA_RESTART` gives away: libuv sets it for each handler.
 */
const STRUCT_OCTETS = 152;
/** Enough for what another libc may write. */
const BUFFER_OCTETS = 512;
const FLAGS_OFFSET = 8 + 128;
const SA_RESTART = 0x10000000;
const SA_RESETHAND = 0x80000000;

/**
 * Lets Node's handler of each signal run once: the next one of the kind ends the process as if there were no handler. The
 * kernel sees to it, so that it works while every thread waits for a disk and no JavaScript runs any more.
 *
 * Must be called after Node's listeners were added.
 */
export function handleOnce(signals: readonly NodeJS.Signals[]): void {
  for (const name of signals) {
    const number = constants.signals[name];
    const action = Buffer.alloc(BUFFER_OCTETS);
    if (libc().sigaction(number, null, action) !== 0) continue;
    const flags = new Uint32Array(action.buffer, action.byteOffset + FLAGS_OFFSET, 1);
    const found = flags[0] ?? 0;
    if ((found & SA_RESTART) === 0) continue;
    flags[0] = found | SA_RESETHAND;
    libc().sigaction(number, action.subarray(0, STRUCT_OCTETS), null);
  }
}
