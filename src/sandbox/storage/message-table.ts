import type { Table } from './tables.ts';

/**
 * Message contents by GUID, and who holds them. A content stays while a record of a mailbox has it or a stage pins it.
 */
export class MessageTable {
  readonly #contents: Table<Buffer>;
  /** [guid, mailbox id, uid] */
  readonly #holders: Table<number>;
  readonly #pins = new Map<string, number>();

  constructor(contents: Table<Buffer>, holders: Table<number>) {
    this.#contents = contents;
    this.#holders = holders;
  }

  has(guid: string): boolean {
    return this.#contents.doesExist(guid);
  }

  get(guid: string): Buffer | undefined {
    return this.#contents.get(guid);
  }

  put(guid: string, content: Buffer): void {
    this.#contents.putSync(guid, content);
  }

  hold(guid: string, mailboxId: number, uid: number): void {
    this.#holders.putSync([guid, mailboxId, uid], 0);
  }

  release(guid: string, mailboxId: number, uid: number): void {
    this.#holders.removeSync([guid, mailboxId, uid]);
    this.#drop(guid);
  }

  /** Ids of the mailboxes that have the message. */
  holders(guid: string): number[] {
    const ids: number[] = [];
    for (const key of this.#holders.getKeys({ start: [guid, 0], end: [guid, Number.MAX_SAFE_INTEGER] })) {
      if (Array.isArray(key) && typeof key[1] === 'number') ids.push(key[1]);
    }
    return ids;
  }

  /** A stage keeps the content, record or not. */
  pin(guid: string): void {
    this.#pins.set(guid, (this.#pins.get(guid) ?? 0) + 1);
  }

  unpin(guid: string): void {
    const left = (this.#pins.get(guid) ?? 0) - 1;
    if (left > 0) {
      this.#pins.set(guid, left);
      return;
    }
    this.#pins.delete(guid);
    this.#drop(guid);
  }

  /** Contents that a stage of an earlier process left behind. */
  sweep(): void {
    for (const guid of [...this.#contents.getKeys()]) {
      if (typeof guid === 'string') this.#drop(guid);
    }
  }

  *guids(): Generator<string> {
    for (const guid of this.#contents.getKeys()) {
      if (typeof guid === 'string') yield guid;
    }
  }

  #drop(guid: string): void {
    if (this.#pins.has(guid) || this.#isHeld(guid)) return;
    this.#contents.removeSync(guid);
  }

  #isHeld(guid: string): boolean {
    const range = this.#holders.getKeys({ start: [guid, 0], end: [guid, Number.MAX_SAFE_INTEGER], limit: 1 });
    for (const _ of range) return true;
    return false;
  }
}
