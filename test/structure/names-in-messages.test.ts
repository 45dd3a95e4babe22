import assert from 'node:assert/strict';
import test from 'node:test';
import { sourceFiles } from './source-files.ts';

/** Here what is called a name is that of a mailbox. */
const ROOMS = /^src\/(replicate|verify|store|preflight|plan|protocol\/session)\//;
/** Whatever makes an error of a message. */
const MAKERS = /\b(new SyncError|damaged|databaseDamaged|mailboxDamaged|notAskedFor|refusal)\(/g;
const NAMES_A_MAILBOX = /^([\w.]+\.)?(name|oldName|newName|mailbox|above|other|root|inbox)$/;

/** @returns the placeholders of texts that errors are made of, each with its file, where one is a name by itself */
function bareNames({ path, text }: { path: string; text: string }): string[] {
  return [...text.matchAll(MAKERS)].flatMap(({ index }) =>
    [...callAt(text, index).matchAll(/\$\{([^{}]*)\}/g)]
      .map(([, expression = '']) => expression)
      .filter((expression) => NAMES_A_MAILBOX.test(expression))
      .map((expression) => `${path}: ${expression}`),
  );
}

/** The call that begins there, to the parenthesis that ends it. */
function callAt(text: string, start: number): string {
  let depth = 0;
  for (let i = text.indexOf('(', start); i < text.length; i += 1) {
    if (text[i] === '(') depth += 1;
    if (text[i] === ')') depth -= 1;
    if (depth === 0) return text.slice(start, i);
  }
  return text.slice(start);
}

test('no message of an error has a mailbox as Cyrus files it: nameInText lets it be spelled', () => {
  const found = sourceFiles(['src'])
    .filter(({ path }) => ROOMS.test(path))
    .flatMap(bareNames);
  assert.deepEqual(found, []);
});

test('the test sees a bare name, wherever in the call, and no other text', () => {
  const text = [
    `throw new SyncError(code, 'of \${userid} \${entry.name}', { hint: 'see \${above}' });`,
    `throw new SyncError(code, '\${nameInText(name)} (\${name.length})');`,
    `emit('\${name}');`,
  ].join('\n');
  assert.deepEqual(bareNames({ path: 'a.ts', text }), ['a.ts: entry.name', 'a.ts: above']);
});
