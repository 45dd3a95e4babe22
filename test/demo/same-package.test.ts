import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Files that a build reads; what it makes, and what it installs, is left out. */
const SOURCES = readdirSync(root).filter((name) => !['node_modules', 'dist', '.git'].includes(name));

test('two builds of one tree in different places make the same package octet for octet', () => {
  const work = mkdtempSync(join(tmpdir(), 'same-package-'));
  try {
    const first = packageOf(join(work, 'here'));
    const second = packageOf(join(work, 'and/over/there'));
    assert.equal(digest(first), digest(second));
    const inside = execFileSync('tar', ['-tzf', first], { encoding: 'utf8' }).split('\n');
    for (const file of [
      'npm-shrinkwrap.json',
      'SECURITY.md',
      'dist/bin/sync_client',
      'dist/bin/cyrus-sync',
    ]) {
      assert.ok(inside.includes(`package/${file}`), `${file} is not in the package`);
    }
    // It is made where the package is installed, by the Node that is there.
    assert.deepEqual(
      inside.filter((file) => file.endsWith('.code')),
      [],
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

/** Builds a copy of the tree there, and packs it; returns the path of the package. */
function packageOf(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const name of SOURCES) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  execFileSync('npm', ['run', 'build', '--silent'], { cwd: folder, stdio: 'pipe' });
  const name = execFileSync('npm', ['pack', '--silent'], { cwd: folder, encoding: 'utf8' }).trim();
  return join(folder, name);
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
