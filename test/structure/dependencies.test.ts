import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/** docs/dependencies.md gives the reason for each package that is asked for: for those of `package.json`, and for no others. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

test('each dependency is on the page of dependencies under its own heading, and nothing else is', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [, atRunTime = '', toBuild = ''] = readFileSync(join(root, 'docs/dependencies.md'), 'utf8').split(
    /^## .*$/m,
  );
  assert.deepEqual(
    packagesOf(atRunTime),
    named(manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies),
  );
  assert.deepEqual(packagesOf(toBuild), named(manifest.devDependencies));
});

test('the lock file is that of package.json, and each package for this platform has a checksum', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  assert.deepEqual(lock.packages[''].dependencies, manifest.dependencies);
  assert.deepEqual(lock.packages[''].devDependencies, manifest.devDependencies);
  for (const [path, entry] of Object.entries<LockedPackage>(lock.packages)) {
    const elsewhere = [entry.os, entry.cpu, entry.libc].some(
      (wanted, at) => wanted?.includes(HERE[at] ?? '') === false,
    );
    if (path === '' || elsewhere) continue;
    assert.match(entry.integrity ?? '', /^sha512-/, `${path} has no checksum`);
  }
});

/** The platform whose native parts are locked with their checksums. */
const HERE = ['linux', 'x64', 'glibc'];

interface LockedPackage {
  integrity?: string;
  /** Platforms that a package with native parts is for. */
  os?: string[];
  cpu?: string[];
  libc?: string[];
}

function packagesOf(table: string): string[] {
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((row) => row[1] ?? '').sort();
}

function named(...groups: (Record<string, string> | undefined)[]): string[] {
  return groups.flatMap((group) => Object.keys(group ?? {})).sort();
}
