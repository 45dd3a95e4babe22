import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import { ENTRY, SANDBOX_ENTRY, startCommand } from '../../lab/start-command.ts';

const { nodeFault }: { nodeFault(version: string): string | undefined } = createRequire(import.meta.url)(
  '../../../bin/check-node.cjs',
);
const PROJECT = join(import.meta.dirname, '..', '..', '..', '..');

test('a Node that lacks what is used is told apart from those that have it', () => {
  for (const old of ['12.22.9', '18.20.4', '20.10.0', '20.18.1', '21.7.3', '22.0.0', '22.1.0']) {
    assert.match(nodeFault(old) ?? '', new RegExp(`found ${old.replaceAll('.', '\\.')}$`), old);
  }
  for (const good of ['20.19.0', '20.20.2', '22.2.0', '22.12.0', '23.0.0', '24.1.0', '26.0.0']) {
    assert.equal(nodeFault(good), undefined, good);
  }
  assert.equal(nodeFault(process.versions.node), undefined);
  assert.equal(typeof crc32, 'function');
});

test('what installs the program wants the same', () => {
  const { engines }: { engines: { node: string } } = JSON.parse(
    readFileSync(join(PROJECT, 'package.json'), 'utf8'),
  );
  assert.equal(engines.node, '>=20.19 <21 || >=22.2');
  const control = readFileSync(join(PROJECT, 'packaging/debian/control'), 'utf8');
  assert.match(control, /^Depends: nodejs \(>= 20\.19\), nodejs \(>= 22\.2\) \| nodejs \(<< 21\), /m);
});

test('on such a Node a command says so, and blames no database', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'old-node-'));
  try {
    const pretence = join(folder, 'old.cjs');
    const versions = "{ ...process.versions, node: '18.20.4' }";
    writeFileSync(pretence, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    for (const entry of [ENTRY, SANDBOX_ENTRY]) {
      const run = startCommand([process.execPath, '--require', pretence, entry, '-A']);
      assert.equal(await run.end, 78, run.stderr());
      assert.match(
        run.stderr(),
        /^sync_(?:client|sandbox): expected Node 20\.19 [^\n]* found 18\.20\.4 at \/[^\n]*\n$/,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
