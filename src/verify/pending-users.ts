import { closeSync, constants, fstatSync } from 'node:fs';
import type { ByteString } from '../byte-string.ts';
import { openExisting, readLog } from '../rolling/log/log-files.ts';
import type { LogLine } from '../rolling/log/log-line.ts';

interface ReadLog {
  /** Which file it was and how far it went. */
  state: string;
  owners: ReadonlySet<ByteString>;
}

/** Who is named in a sync log, and so is yet to be replicated. A log is read again only once it has changed. */
export class PendingUsers {
  readonly #files: readonly string[];
  readonly #ownerOf: (name: ByteString) => ByteString | undefined;
  readonly #read = new Map<string, ReadLog>();

  /** @param logs each of them also under the name that it has while it is being worked on */
  constructor(logs: readonly string[], ownerOf: (name: ByteString) => ByteString | undefined) {
    this.#files = logs.flatMap((log) => [log, `${log}-run`]);
    this.#ownerOf = ownerOf;
  }

  /** @param user '' = shared mailboxes */
  async includes(user: ByteString): Promise<boolean> {
    // From the log to the one that is worked on is the way that lines go: in this order none is missed.
    for (const file of this.#files) if ((await this.#ownersIn(file)).has(user)) return true;
    return false;
  }

  async #ownersIn(file: string): Promise<ReadonlySet<ByteString>> {
    const fd = openExisting(file, constants.O_RDONLY);
    if (fd === undefined) return new Set();
    try {
      const { ino, size, mtimeMs } = fstatSync(fd);
      const state = `${ino} ${size} ${mtimeMs}`;
      const known = this.#read.get(file);
      if (known?.state === state) return known.owners;
      const owners = new Set<ByteString>();
      await readLog(fd, (parsed) => {
        if (parsed.kind === 'line') for (const owner of this.#ownersOf(parsed.line)) owners.add(owner);
      });
      this.#read.set(file, { state, owners });
      return owners;
    } finally {
      closeSync(fd);
    }
  }

  #ownersOf(line: LogLine): ByteString[] {
    if ('userid' in line) return [line.userid];
    const names = 'from' in line ? [line.from, line.to] : ['root' in line ? line.root : line.name];
    return names.map((name) => this.#ownerOf(name) ?? '');
  }
}
