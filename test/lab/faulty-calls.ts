import { chmodSync, closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { preloadLibrary } from './preload/preload-library.ts';

/** As calls.c numbers them. */
const CALLS = { open: 1, read: 2, write: 3, flush: 4, lock: 5, rename: 6 } as const;
export type Call = keyof typeof CALLS;

export type Failure = 'EIO' | 'ENOSPC' | 'EMFILE' | 'ENOENT' | 'EINTR' | 'ENOLCK' | 'half';

/** Makes one call of a program fail, the N-th of its kind on files of a server, or only counts them. */
export class FaultyCalls {
  /** For the program, or whatever starts it. */
  readonly environment: Record<string, string>;
  readonly #state: string;

  /** @param directory of this object alone, which the program can read */
  constructor(directory: string, program: string, server: Pick<CyrusServer, 'directory'>) {
    this.#state = join(directory, `faults-${program}`);
    writeFileSync(this.#state, Buffer.alloc(5 * 8));
    chmodSync(this.#state, 0o666);
    this.environment = {
      LD_PRELOAD: preloadLibrary(directory),
      FAULT_STATE: this.#state,
      FAULT_UNDER: `${server.directory}/`,
      FAULT_PROGRAM: program,
    };
  }

  /** From now on, until it has struck: nothing but this. */
  arm(call: Call, at: number, failure: Failure): void {
    const error = failure === 'half' ? 0 : constants.errno[failure];
    this.#write([CALLS[call], at, error, 0, 0]);
  }

  /** From now on calls of this kind are counted, and none fails. */
  count(call: Call): void {
    this.#write([CALLS[call], 0, 0, 0, 0]);
  }

  /** Calls since `count` or `arm`. */
  get counted(): number {
    return this.#read()[3] ?? 0;
  }

  /** @returns whether the call was made at all */
  disarm(): boolean {
    const struck = this.#read()[4] ?? 0;
    this.#write([0, 0, 0, 0, 0]);
    return struck > 0;
  }

  /** In the one file that all processes have mapped. */
  #write(numbers: readonly number[]): void {
    const octets = Buffer.alloc(numbers.length * 8);
    for (const [index, number] of numbers.entries()) octets.writeBigInt64LE(BigInt(number), index * 8);
    const fd = openSync(this.#state, 'r+');
    writeSync(fd, octets, 0, octets.length, 0);
    closeSync(fd);
  }

  #read(): number[] {
    const octets = Buffer.alloc(5 * 8);
    const fd = openSync(this.#state, 'r');
    readSync(fd, octets, 0, octets.length, 0);
    closeSync(fd);
    return Array.from({ length: 5 }, (_, index) => Number(octets.readBigInt64LE(index * 8)));
  }
}
