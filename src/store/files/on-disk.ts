import type { ByteString } from '../../byte-string.ts';

/** The path of a file that was found, or is looked for, by octets: they need not be UTF-8, whatever the directory's own are. */
export function onDisk(directory: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')]);
}
