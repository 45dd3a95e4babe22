import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCyrusHeader } from '../../../src/store/mailbox/cyrus-header.ts';
import { HEADER_MAGIC } from './header-magic.ts';

const parsed = (text: string) => parseCyrusHeader(Buffer.concat([HEADER_MAGIC, Buffer.from(text, 'latin1')]));

test('a header of Cyrus 3.6 has quota root, uniqueid and flags by slot, each of which may be missing', () => {
  assert.deepEqual(
    parsed('%(T e N user.a I 0icddas3made Q user.a U ($Label NIL "" Other (x)) A %(a lrs))\n'),
    {
      quotaroot: 'user.a',
      uniqueid: '0icddas3made',
      userFlags: ['$Label', null, null, 'Other', null],
    },
  );
  const none = { quotaroot: undefined, uniqueid: undefined, userFlags: [] };
  for (const text of ['%()', '%(T e)\n', '%(Q "" I "" U ())\n', '%(Q NIL I NIL U NIL)', '%(U flag)'])
    assert.deepEqual(parsed(text), none, text);
});

test('a header in lines has the same', () => {
  assert.deepEqual(parsed('user.a\t4e1b7a0c\n$Label  Other \na\tlrs\t\n'), {
    quotaroot: 'user.a',
    uniqueid: '4e1b7a0c',
    userFlags: ['$Label', null, 'Other'],
  });
  // Cyrus 2.0 had no uniqueid; a writer that died may have left out the rest.
  assert.deepEqual(parsed('user.a\nOne Two\n'), {
    quotaroot: 'user.a',
    uniqueid: undefined,
    userFlags: ['One', 'Two'],
  });
  const none = { quotaroot: undefined, uniqueid: undefined, userFlags: [] };
  for (const text of ['\t\n\n', '\n', '']) assert.deepEqual(parsed(text), none, JSON.stringify(text));
  assert.deepEqual(parsed('\t4e1b7a0c\n\n').uniqueid, '4e1b7a0c');
});

test('flags beyond those that a record has bits for are none', () => {
  const names = Array.from({ length: 130 }, (_, slot) => `f${slot}`);
  for (const text of [`%(U (${names.join(' ')}))\n`, `\t\n${names.join(' ')} \n`]) {
    const { userFlags } = parsed(text);
    assert.deepEqual(userFlags, names.slice(0, 128));
  }
});

test('what is no header, or would become a path, is refused with what was expected', () => {
  assert.throws(() => parseCyrusHeader(Buffer.from('%(I abc)')), /expected the magic/);
  for (let at = 0; at < HEADER_MAGIC.length; at += 1) {
    const flipped = Buffer.concat([HEADER_MAGIC, Buffer.from('%(I abc)')]);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    assert.throws(() => parseCyrusHeader(flipped), { name: 'CyrusHeaderError' }, `octet ${at}`);
  }
  assert.throws(() => parseCyrusHeader(HEADER_MAGIC.subarray(0, -1)), { name: 'CyrusHeaderError' });
  for (const [text, found] of [
    ['%(I ../x)', '"../x"'],
    ['%(Q "a\nb")', '"a\\\\nb"'],
    [`%(I ${'/'.repeat(200)})`, `"${'/'.repeat(80)}"`],
    ['a/../b\tabc\n\n', '"a/../b"'],
    ['user.a\t../x\n\n', '"../x"'],
  ] as const)
    assert.throws(() => parsed(text), {
      name: 'CyrusHeaderError',
      message: new RegExp(`^expected .*, found ${found}$`),
    });
  assert.throws(() => parsed('%(I abc'), { name: 'CyrusHeaderError', message: /missing \)/ });
});
