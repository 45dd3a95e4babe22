import assert from 'node:assert/strict';
import test from 'node:test';
import { nameInDump } from '../../../src/coordinator/pool/list-by-tool.ts';

test('names of mailboxes are found in the dump of a new and of an old Cyrus, and rows without one are not', () => {
  const row = (mbtype: string): string => `{"name": "x", "mbtype": "${mbtype}", "partition": "default"}`;
  const lines: [string, string | undefined][] = [
    ['{', undefined],
    [`"user.anna": ${row('e')},`, 'user.anna'],
    [`"user.anna.With \\"quotes\\"": ${row('e')}`, 'user.anna.With "quotes"'],
    [`"user.anna.#calendars": ${row('c')},`, 'user.anna.#calendars'],
    [`"user.gone": ${row('d')},`, undefined],
    [`"user.between": ${row('i')},`, undefined],
    ['}', undefined],
    ['', undefined],
    ['user.anna\t0 default anna\tlrswipkxtecdan\t', 'user.anna'],
    ['user.anna.#calendars\t32 default anna\tlrswipkxtecdan\t', 'user.anna.#calendars'],
    ['user.gone\t16 default anna\tlrswipkxtecdan\t', undefined],
  ];
  for (const [line, name] of lines) assert.equal(nameInDump(line), name, line);
});
