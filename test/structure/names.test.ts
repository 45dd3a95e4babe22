import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * A file is called after its main export, so that whoever reads a name knows the file, and the other way round:
 * `plan-folders.ts` exports `planFolders`, `dlist/parser.ts` exports `DlistParser`. Of several equals the file has the plural
 * of what they are: `limits.ts`; of several that begin alike, or of types alone, it has the beginning: `roff.ts`, `roffText`, `roffOfMarkdown`.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Files that are called otherwise, and why. */
const exceptions: Record<string, string> = {
  'src/plan/estimate.ts': 'later',
  'src/verify/share.ts': 'later',
  'src/verify/verify-job.ts': 'later',
};

interface Exports {
  values: string[];
  types: string[];
}

test('each file is called after its main export', () => {
  const wrong = ['src', 'workers', 'bin', 'test', 'bench', 'packaging']
    .flatMap(sources)
    .filter((path) => !path.endsWith('.test.ts'))
    .filter((path) => !isNamedAfter(path, exportsOf(readFileSync(join(root, path), 'utf8'))));
  assert.deepEqual(wrong.sort(), Object.keys(exceptions).sort());
});

test('the test sees the names that it judges', () => {
  const isNamed = (path: string, text: string): boolean => isNamedAfter(path, exportsOf(text));
  const plan = 'export interface Plan {}\nexport function planFolders() {}';
  assert.ok(isNamed('src/replicate/plan-folders.ts', plan));
  assert.ok(!isNamed('src/replicate/plan-names.ts', plan));
  assert.ok(isNamed('src/dlist/parser.ts', 'export type X = 1;\nexport class DlistParser {}'));
  assert.ok(isNamed('src/limits.ts', 'export const MOST = 1;\nexport const LEAST = 1;'));
  assert.ok(!isNamed('src/limits.ts', 'export const MOST = 1;'), 'one is not several');
  assert.ok(!isNamed('src/limit.ts', 'export const MOST = 1;\nexport const LEAST = 1;'));
  assert.ok(isNamed('bin/command.ts', 'export async function main() {}'), 'what is started');
  assert.ok(isNamed('src/engine.ts', "export { runUser } from './run-user.ts';"), 'a door');
});

function isNamedAfter(path: string, { values, types }: Exports): boolean {
  const [folder = '', file = ''] = path.split('/').slice(-2);
  const name = file.replace(/\.c?ts$/, '');
  const all = [...values, ...types];
  if (all.length === 0 || values.includes('main')) return true;
  if (all.map(kebab).some((exported) => exported === name || exported === `${folder}-${name}`)) return true;
  const equals = values.length > 0 ? values : types;
  if (equals.length > 1 && name.endsWith('s')) return true;
  const beginAlike = all.filter((each) => kebab(each).startsWith(`${name}-`)).length;
  return beginAlike > 1 || (values.length === 0 && beginAlike === 1);
}

/** What a file declares and exports; what a door passes on is named where it is declared. */
function exportsOf(text: string): Exports {
  const declared = text.matchAll(
    /^export (?:default )?(?:async )?(function\*?|class|interface|type|const) (\w+)/gm,
  );
  const found = [...declared].map(([, kind = '', name = '']) => ({
    name,
    isType: /^(interface|type)$/.test(kind),
  }));
  const names = (isType: boolean): string[] =>
    found.filter((each) => each.isType === isType).map(({ name }) => name);
  return { values: names(false), types: names(true) };
}

/** `planFolders` and `PlanFolders` are `plan-folders`, and so is `PLAN_FOLDERS`. */
function kebab(name: string): string {
  if (/^[A-Z0-9_]+$/.test(name)) return name.toLowerCase().replaceAll('_', '-');
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}

function sources(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
