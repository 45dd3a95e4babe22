import assert from 'node:assert/strict';
import test from 'node:test';
import { isLoadedAtRunTime } from '../../../packaging/is-loaded-at-run-time.ts';
import { productionPackages } from '../../../packaging/production-packages.ts';

test('what the program depends on goes along, through all of it; unwanted platforms do not', () => {
  const lock = {
    packages: {
      '': { dependencies: { a: '1', lmdb: '3' } },
      'node_modules/a': { dependencies: { b: '1' }, optionalDependencies: { x64: '1', arm64: '1' } },
      'node_modules/a/node_modules/b': {},
      'node_modules/b': { dependencies: { wrong: '1' } },
      'node_modules/lmdb': { dependencies: { msgpackr: '1' } },
      'node_modules/msgpackr': {},
      'node_modules/x64': {},
      'node_modules/arm64': {},
      'node_modules/typescript': {},
    },
  };
  assert.deepEqual(
    productionPackages(lock, (name) => name === 'x64'),
    [
      ...['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/lmdb', 'node_modules/msgpackr'],
      'node_modules/x64',
    ],
  );
});

test('a lock file that lacks a package is not taken', () => {
  assert.throws(
    () => productionPackages({ packages: { '': { dependencies: { a: '1' } } } }, () => false),
    /package-lock.json: expected a/,
  );
});

test('of a package what Node loads goes along, and its licence', () => {
  const goes = (path: string, folder = 'node_modules/a'): boolean => isLoadedAtRunTime(folder, path);
  for (const path of [
    'index.js',
    'dist/a.cjs',
    'dist/.esm-wrapper.mjs',
    'package.json',
    'LICENSE.md',
    'b.node',
  ])
    assert.ok(goes(path), path);
  for (const path of ['README.md', 'index.d.ts', 'index.js.map', 'test/a.js', 'docs/a.js', 'dist/browser.js'])
    assert.ok(!goes(path), path);
  assert.ok(goes('vendor/a.js'));
  assert.ok(!goes('vendor/a.js', 'node_modules/koffi'));
  assert.ok(goes('node.napi.glibc.node', 'node_modules/@lmdb/lmdb-linux-x64'));
  for (const path of ['node.napi.musl.node', 'node.abi115.glibc.node'])
    assert.ok(!goes(path, 'node_modules/@lmdb/lmdb-linux-x64'), path);
  assert.ok(!goes('musl_x64/koffi.node', '@koromix/koffi-linux-x64'.replace(/^/, 'node_modules/')));
});
