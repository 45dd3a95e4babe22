import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { differences } from './differences.ts';
import type { Side } from './two-sides.ts';
import { untilStagesAreEmpty } from './until-stages-are-empty.ts';

/** Below the configuration directory: who is connected, which locks exist. No mail and no state of it. */
const NO_STATE = ['lock', 'proc', 'socket', 'sync'].map((each) => join('conf', each));

/** Every file of the store: its SHA-1, and when it was last written. */
export async function storeDigest(server: CyrusServer): Promise<Record<string, string>> {
  await untilStagesAreEmpty(server);
  const digest: Record<string, string> = {};
  for (const root of ['conf', 'spool', 'meta', 'archive']) {
    for (const entry of await readdir(join(server.directory, root), {
      recursive: true,
      withFileTypes: true,
    })) {
      const file = join(entry.parentPath, entry.name);
      const name = relative(server.directory, file);
      if (!entry.isFile() || NO_STATE.some((each) => name.startsWith(`${each}/`))) continue;
      const hash = createHash('sha1')
        .update(await readFile(file))
        .digest('hex');
      digest[name] = `${hash} of ${(await stat(file)).mtime.toISOString()}`;
    }
  }
  return digest;
}

/** Runs `work` and fails if any file of the store is another afterwards. */
export async function leavingUntouched<Result>(
  sides: readonly Side[],
  work: () => Promise<Result>,
): Promise<Result> {
  // An imapd packs a database after it has answered the command that let it grow.
  for (const { imap } of sides) await imap.ok('NOOP');
  const servers = sides.map(({ server }) => server);
  const before = await Promise.all(servers.map(storeDigest));
  const result = await work();
  const after = await Promise.all(servers.map(storeDigest));
  for (const [index, server] of servers.entries()) {
    assert.ok(Object.keys(before[index] ?? {}).length > 0, `the store of ${server.name} is empty`);
    const changed = differences(before[index], after[index]);
    assert.deepEqual(changed, [], `the store of ${server.name} was changed`);
  }
  return result;
}
