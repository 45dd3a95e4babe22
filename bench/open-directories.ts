import { chmod, mkdir } from 'node:fs/promises';
import { giveToCyrus } from '../test/lab/cyrus-server.ts';
import type { BenchOptions } from './options.ts';

/** Where stores are cached and servers run, and where profiles go. */
export async function openDirectories(options: BenchOptions): Promise<void> {
  await mkdir(options.workDirectory, { recursive: true });
  await chmod(options.workDirectory, 0o755);
  if (options.profile !== undefined) {
    await mkdir(options.profile, { recursive: true });
    giveToCyrus(options.profile);
  }
  // Where the servers of the test support make their stores.
  process.env.TMPDIR = options.workDirectory;
}
