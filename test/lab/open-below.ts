import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of the files below a directory that this process has open, once for each descriptor. */
export function openBelow(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const path = target(join('/proc/self/fd', fd));
    return path?.startsWith(`${directory}/`) ? [path] : [];
  });
}

/** undefined for the descriptor by which the list itself was read. */
function target(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
