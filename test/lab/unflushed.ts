import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { preloadLibrary } from './preload/preload-library.ts';

/** Where mail and what is known of it lies; beside it are sockets, locks and who is connected. */
const KEPT = ['spool', 'meta', 'archive', 'conf'];
const PASSING = /^conf\/(?:socket|proc|lock|log|sync)\//;

/**
 * A disk that loses what was not flushed. Names are on it at once, as a journal has them in order; the content of a file is what
 * it was at its last flush, and nothing where there was none.
 */
export class Unflushed {
  /** For all services of the server. */
  readonly environment: Record<string, string>;
  readonly #server: CyrusServer;
  readonly #flushed: string;
  #settled = 0;

  /** @param directory of this object alone */
  constructor(directory: string, server: CyrusServer) {
    this.#server = server;
    this.#flushed = join(directory, 'flushed');
    mkdirSync(this.#flushed);
    chmodSync(this.#flushed, 0o777);
    this.environment = {
      LD_PRELOAD: preloadLibrary(directory),
      FLUSHED: this.#flushed,
      FAULT_UNDER: `${server.directory}/`,
    };
  }

  /** Everything has reached the disk. */
  settle(): void {
    for (const path of this.#files()) copyFileSync(path, this.#copyOf(path));
    this.#settled = readdirSync(this.#flushed).length;
  }

  /** Files that the server itself has flushed since. */
  get flushes(): number {
    return readdirSync(this.#flushed).length - this.#settled;
  }

  /**
   * Ends all processes of the server, and takes away what the disk does not have.
   *
   * @returns the files that have lost something
   */
  async powerCut(): Promise<string[]> {
    await this.#server.crash();
    const lost: string[] = [];
    for (const path of this.#files()) {
      const copy = this.#copyOf(path);
      const content = existsSync(copy) ? readFileSync(copy) : Buffer.alloc(0);
      if (content.equals(readFileSync(path))) continue;
      // In place: owner and inode stay.
      writeFileSync(path, content);
      lost.push(relative(this.#server.directory, path));
    }
    return lost;
  }

  #copyOf(path: string): string {
    return join(this.#flushed, String(statSync(path).ino));
  }

  #files(): string[] {
    const root = this.#server.directory;
    return KEPT.flatMap((part) =>
      readdirSync(join(root, part), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !PASSING.test(relative(root, path))),
    );
  }
}
