import type { ByteString } from '../../byte-string.ts';

/**
 * A parsed DLIST value (protocol 7). Numbers, dates, GUIDs and flags are strings here: the wire does not tell
 * them from atoms, so the one who knows the field converts.
 */
export type DlistValue = null | ByteString | DlistValue[] | DlistMap | DlistFile;

/** `%(KEY value ...)`: the first of duplicate keys wins (protocol 7.3). */
export type DlistMap = Map<ByteString, DlistValue>;

/** `%{partition guid size}`, the octets themselves in `content` unless a sink took them. */
export class DlistFile {
  readonly partition: ByteString;
  readonly guid: ByteString;
  /** Octets. */
  readonly size: number;
  readonly content: Buffer | undefined;

  constructor(partition: ByteString, guid: ByteString, size: number, content?: Buffer) {
    this.partition = partition;
    this.guid = guid;
    this.size = size;
    this.content = content;
  }
}
