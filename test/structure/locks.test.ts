import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Who takes a lock that Cyrus's processes wait for (design, decision 11), and the lock scope that each of them is in.
 * Whoever is added here gives back what it holds before anything is awaited.
 */
const takesLocks: Record<string, RegExp> = {
  'src/native/when-locked.ts': /lockScope\(work\)/,
  'src/rolling/log/append-to-log.ts': /await whenLocked\(/,
  'src/rolling/log/channel-log.ts': /await whenLocked\(/,
  'src/store/cyrusdb/kept-database.ts': /lockScope\(\(\) => read\(/,
  'src/store/cyrusdb/with-database.ts': /lockScope\(\(\) => read\(/,
  // Also for the sync lock, which is between clients of replication: no mail waits for that.
  'src/store/files/while-file-locked.ts': /whenLocked\(fd, kind, deadlineMs, file, work\)/,
  // No process of Cyrus opens it, and it is never waited for.
  'src/sandbox/storage/hold-directory.ts': /tryLock\(fd, 'exclusive'\)/,
  // For the reader of mailboxes, which is in its scope.
  'src/store/cyrusdb/lock-database.ts': /lockNow\(/,
  'src/store/mailbox/index-file.ts': /lockNow\(/,
};

test('locks of Cyrus are taken in a few places alone, in a scope that cannot await', () => {
  const found = sources().filter(({ text }) => /\b(?:tryLock|lockNow|whenLocked)\(/.test(text));
  const outside = found.filter(({ path }) => path !== 'src/native/locks.ts').map(({ path }) => path);
  assert.deepEqual(outside.sort(), Object.keys(takesLocks).sort());
  for (const { path, text } of found) assert.match(text, takesLocks[path] ?? /./, path);
});

test('a lock that is kept by a value is taken by the reader of mailboxes alone, in its scope', () => {
  const users = sources().filter(({ text }) =>
    /\b(?:lockFileNow|lockDatabase|lockConversations|IndexFile\.open)\(/.test(text),
  );
  assert.deepEqual(users.map(({ path }) => path).sort(), [
    'src/store/cyrusdb/lock-database.ts',
    'src/store/files/while-file-locked.ts',
    'src/store/files/while-namespace-locked.ts',
    'src/store/mailbox/mailbox-reader.ts',
    'src/store/mailbox/mailbox-states.ts',
  ]);
  const text = (name: string): string => users.find(({ path }) => path.endsWith(name))?.text ?? '';
  assert.match(text('mailbox-reader.ts'), /whileNamespaceLocked\(userLocks, left, work\)/);
  assert.match(text('while-namespace-locked.ts'), /lockScope\(underAll\)/);
  assert.match(text('while-namespace-locked.ts'), /whileFileLocked\(first, 'shared', leftMs, underAll\)/);
});

function sources(): { path: string; text: string }[] {
  return ['src', 'workers', 'bin'].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.c?ts$/.test(entry.name))
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        return { path: relative(root, file).split(sep).join('/'), text: readFileSync(file, 'utf8') };
      }),
  );
}
