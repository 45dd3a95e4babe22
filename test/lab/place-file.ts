import { renameSync, writeFileSync } from 'node:fs';
import { giveToCyrus } from './cyrus-server.ts';

/** A file of the Cyrus user, which is there whole and in its owner's hands at once: whoever waits for it may take it away. */
export function placeFile(path: string, content: string): void {
  const prepared = `${path}.prepared`;
  writeFileSync(prepared, content);
  giveToCyrus(prepared);
  renameSync(prepared, path);
}
