import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const { mapFile }: { mapFile(path: string): Buffer | undefined } = createRequire(import.meta.url)(
  '../../../bin/map-file.cjs',
);

test('a file is mapped as it is, and stays so when another takes its place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'map-file-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'program');
  // More than a page, and no whole number of them.
  const content = Buffer.from('0123456789'.repeat(1_234));
  await writeFile(file, content);
  const mapped = mapFile(file);
  assert.ok(mapped?.equals(content));
  assert.match(readFileSync('/proc/self/maps', 'latin1'), new RegExp(`${file}\n`));
  await rm(file);
  await writeFile(file, 'another');
  assert.ok(mapped?.equals(content));
});

test('what cannot be mapped is left to be read, and what is not there is an error', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'map-file-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'empty'), '');
  assert.equal(mapFile(join(folder, 'empty')), undefined);
  assert.throws(() => mapFile(join(folder, 'missing')), { code: 'ENOENT' });
});
