import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { koffiBinary } from '../../../src/native/koffi-binary.ts';

test("koffi's native part is found in the packages of any folder above, the nearest first", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'koffi-binary-'));
  t.after(() => rm(folder, { recursive: true }));
  const deep = join(folder, 'lib', 'app', 'dist');
  await mkdir(deep, { recursive: true });
  assert.equal(koffiBinary(deep), undefined);
  const binaryBelow = (place: string): string =>
    join(
      place,
      'node_modules',
      '@koromix',
      `koffi-linux-${process.arch}`,
      `linux_${process.arch}`,
      'koffi.node',
    );
  for (const place of [folder, join(folder, 'lib', 'app')]) {
    const binary = binaryBelow(place);
    await mkdir(dirname(binary), { recursive: true });
    await writeFile(binary, '');
    assert.equal(koffiBinary(deep), binary);
  }
});

test('it is where this package has it', () => {
  const binary = koffiBinary(import.meta.dirname);
  assert.ok(binary !== undefined && existsSync(binary));
});
