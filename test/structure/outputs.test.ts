import assert from 'node:assert/strict';
import test from 'node:test';
import { sourceFiles } from './source-files.ts';

/* Contract: what is printed or shown goes through the few places that make it fit to be looked at. */

const files = sourceFiles(['src']);

/** Paths of the files, below some rooms, in which a pattern is found. */
function filesWith(pattern: RegExp, rooms: readonly string[]): string[] {
  return files
    .filter(({ path, text }) => rooms.some((room) => path.startsWith(`src/${room}/`)) && pattern.test(text))
    .map(({ path }) => path)
    .sort();
}

test('only the writers of runs and of verbs write to standard output and standard error', () => {
  const rooms = [...new Set(files.map(({ path }) => path.split('/')[1] ?? ''))];
  assert.deepEqual(filesWith(/\b(?:stdout|stderr)\.write\(|\bconsole\./, rooms), [
    'src/cli/carry-out/print.ts',
    // Help, usage, and the line of an error, which it makes printable.
    'src/cli/cyrus-sync.ts',
    'src/cli/main.ts',
    'src/cli/start/in-frame.ts',
    'src/report/sinks/streams.ts',
  ]);
});

test('documents for programs are made by the one function that leaves nothing in them to steer a terminal', () => {
  const told = ['cli', 'operate', 'plan', 'report', 'preflight'];
  assert.deepEqual(filesWith(/\bJSON\.stringify\(/, told), [
    // A key of a map, which nobody sees.
    'src/report/document/user-facts.ts',
    'src/report/printable-json.ts',
  ]);
});

test('an error quotes a value of the operator only after a look for a password in it', () => {
  assert.deepEqual(filesWith(/found "\$\{/, ['cli', 'config', 'preflight']), []);
});
