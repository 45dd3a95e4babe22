import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseListed } from '../../../src/protocol/connect/list-mailboxes.ts';

test('a LIST answer has its name as a word, in quotes, or in the line after it', () => {
  const listed = { separator: '/', exists: true };
  assert.deepEqual(parseListed('* LIST (\\HasNoChildren) "/" user/anna', null), {
    ...listed,
    name: 'user/anna',
  });
  assert.deepEqual(parseListed('* LIST (\\HasNoChildren) "/" "user/a \\"b\\" \\\\"', null), {
    ...listed,
    name: 'user/a "b" \\',
  });
  assert.deepEqual(parseListed('* LIST () "/" ', 'user/\xe4nne'), { ...listed, name: 'user/\xe4nne' });
  assert.deepEqual(parseListed('* LIST (\\NonExistent \\HasChildren) "." user', null), {
    ...{ separator: '.', exists: false, name: 'user' },
  });
});

test('what is no LIST answer of Cyrus ends the asking', () => {
  for (const line of ['* LIST', '* LIST () NIL x', '* LIST () "|" x', '* LIST () "/" "x', '* LIST (() x']) {
    assert.throws(
      () => parseListed(line, null),
      (error: Error & { code?: string }) => error.code === 'IMAP_PROTOCOL_ERROR',
      line,
    );
  }
});
