import { fstatSync, ftruncateSync, realpathSync, rmSync, statSync } from 'node:fs';

/**
 * Takes away a file that this process has made for what did not come to be. Never throws: whoever calls it has an error to
 * tell that came first.
 *
 * @param file descriptor, which is left open
 */
export function withdrawFile(file: number, path: string): void {
  try {
    // It may have to stay, and is not to speak of a run that there never was.
    ftruncateSync(file);
  } catch {
    // A disk that is too ill for that is told of by whoever wrote to it.
  }
  try {
    const ours = fstatSync(file, { bigint: true });
    const there = statSync(path, { bigint: true });
    // Somebody may have put another one in its place.
    if (there.dev === ours.dev && there.ino === ours.ino) rmSync(realpathSync(path));
  } catch {
    // The caller has made it, and this process is Cyrus's user by now, who may not be allowed to: it stays, and is empty.
  }
}
