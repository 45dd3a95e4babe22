import assert from 'node:assert/strict';
import test from 'node:test';
import { isNamedAfterExport } from './is-named-after-export.ts';
import { sourceFiles } from './source-files.ts';

test('each file is called after its main export', () => {
  const wrong = sourceFiles(['src', 'workers', 'bin', 'test', 'bench', 'packaging'])
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .filter(({ path, text }) => !isNamedAfterExport(path, text))
    .map(({ path }) => path);
  assert.deepEqual(wrong, []);
});

test('the test sees the names that it judges', () => {
  const plan = 'export interface Plan {}\nexport function planFolders() {}';
  assert.ok(isNamedAfterExport('src/replicate/plan-folders.ts', plan));
  assert.ok(!isNamedAfterExport('src/replicate/plan-names.ts', plan));
  assert.ok(isNamedAfterExport('src/dlist/parser.ts', 'export type X = 1;\nexport class DlistParser {}'));
  assert.ok(isNamedAfterExport('src/limits.ts', 'export const MOST = 1;\nexport const LEAST = 1;'));
  assert.ok(!isNamedAfterExport('src/limits.ts', 'export const MOST = 1;'), 'one is not several');
  assert.ok(!isNamedAfterExport('src/limit.ts', 'export const MOST = 1;\nexport const LEAST = 1;'));
  assert.ok(isNamedAfterExport('bin/command.ts', 'export async function main() {}'), 'what is started');
  assert.ok(isNamedAfterExport('src/engine.ts', "export { runUser } from './run-user.ts';"), 'a door');
});
