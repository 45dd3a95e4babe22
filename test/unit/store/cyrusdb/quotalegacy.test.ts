import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'node:test';
import { directoryHash } from '../../../../src/store/cyrusdb/directory-hash.ts';
import { quotaLegacy } from '../../../../src/store/cyrusdb/quota-legacy.ts';
import { failure, Scratch } from './scratch.ts';

function place(scratch: Scratch, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(scratch.path(name)), { recursive: true });
    writeFileSync(scratch.path(name), content);
  }
}

test('the directory letters that Cyrus uses', () => {
  const full = { amy: 'C', bill: 'S', 'jo.smith': 'A', 'jo^smith': 'U', 'dom.org': 'J', 'shared.x': 'T' };
  for (const [name, letter] of Object.entries(full)) assert.equal(directoryHash(name, true), letter, name);
  const plain = { amy: 'a', Zed: 'z', '9lives': 'q', '\xe9': 'q', '': 'q' };
  for (const [name, letter] of Object.entries(plain)) assert.equal(directoryHash(name, false), letter, name);
});

test('plain letters: the part after the first dot decides', (context) => {
  const scratch = new Scratch(context);
  place(scratch, {
    'quota/a/user.amy': '%(S (1))\n',
    'quota/x/shared.x': 'x\n',
    'quota/t/top': 't\n',
    'quota/q/user.9': '9\n',
  });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: false, fulldirhash: false });
  const expected = [
    ['shared.x', 'x'],
    ['top', 't'],
    ['user.9', '9'],
    ['user.amy', '%(S (1))'],
  ];
  assert.deepEqual([...quotas.entries()], expected);
  for (const [root, value] of expected) assert.equal(quotas.get(root ?? ''), value);
  assert.equal(quotas.get('user.none'), undefined);
});

test('full letters with domains: internal names, domains by their own letter, whole domains', (context) => {
  const scratch = new Scratch(context);
  place(scratch, {
    'quota/U/user.jo^smith': 'a\n',
    'domain/J/dom.org/quota/U/user.jo^smith': 'b\n',
    'domain/J/dom.org/quota/root': 'c\n',
  });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: true, fulldirhash: true });
  const expected = [
    ['dom.org!', 'c'],
    ['dom.org!user.jo^smith', 'b'],
    ['user.jo^smith', 'a'],
  ];
  assert.deepEqual([...quotas.entries()], expected);
  for (const [root, value] of expected) assert.equal(quotas.get(root ?? ''), value);
});

test('without domains ! is an octet like any other', (context) => {
  const scratch = new Scratch(context);
  place(scratch, { 'quota/x/dom!user.x': 'x\n', 'domain/d/dom/quota/y/user.y': 'y\n' });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: false, fulldirhash: false });
  assert.deepEqual([...quotas.entries()], [['dom!user.x', 'x']]);
});

test('the old form on two lines is read as one', (context) => {
  const scratch = new Scratch(context);
  place(scratch, { 'quota/a/user.amy': '1234\n100\n' });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: false, fulldirhash: false });
  assert.equal(quotas.get('user.amy'), '1234 100');
});

test('an empty file is no quota; one without its final LF is damage, unless it is a writer at work', (context) => {
  const scratch = new Scratch(context);
  place(scratch, {
    'quota/a/user.amy': '',
    'quota/b/user.bob.NEW': '%(S',
    'quota/c/user.cat.NEW': '%(S (1))\n',
  });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: false, fulldirhash: false });
  assert.equal(quotas.get('user.amy'), undefined);
  assert.deepEqual([...quotas.entries()], [['user.cat.NEW', '%(S (1))']]);
  place(scratch, { 'quota/d/user.dan': '%(S (1))' });
  assert.throws(() => quotas.get('user.dan'), failure('DATABASE_DAMAGED', 'quota/d/user.dan', 'LF'));
  assert.throws(() => [...quotas.entries()], failure('DATABASE_DAMAGED', 'quota/d/user.dan'));
});

test('a root that would lead out of the directory is refused', (context) => {
  const scratch = new Scratch(context);
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: true, fulldirhash: false });
  for (const root of ['../../etc/passwd', 'dom!../x', 'user.\0'])
    assert.throws(() => quotas.get(root), failure('IO'));
});

test('no quota directory is no quotas', (context) => {
  const scratch = new Scratch(context);
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: true, fulldirhash: false });
  assert.deepEqual([...quotas.entries()], []);
});

test('a whole domain is a root once, however many roots are in it, and by itself', (context) => {
  const scratch = new Scratch(context);
  place(scratch, {
    'domain/d/dom.org/quota/a/user.amy': 'a\n',
    'domain/d/dom.org/quota/b/user.bob': 'b\n',
    'domain/d/dom.org/quota/root': 'whole\n',
    'domain/e/else.org/quota/root': 'else\n',
    'domain/n/none.org/quota/a/user.amy': 'c\n',
    'quota/root': 'of no domain\n',
  });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: true, fulldirhash: false });
  assert.deepEqual(
    [...quotas.entries()],
    [
      ['dom.org!', 'whole'],
      ['dom.org!user.amy', 'a'],
      ['dom.org!user.bob', 'b'],
      ['else.org!', 'else'],
      ['none.org!user.amy', 'c'],
    ],
  );
  assert.equal(quotas.get('none.org!'), undefined);
});

test('what lies where Cyrus would not look for it is no quota', (context) => {
  const scratch = new Scratch(context);
  place(scratch, {
    'quota/a/user.amy': 'a\n',
    'quota/b/user.amy': 'stray\n',
    'quota/aa/user.aaron': 'stray\n',
    'domain/x/dom.org/quota/a/user.amy': 'stray\n',
    'domain/d/dom.org/quota/q/user.amy': 'stray\n',
  });
  const quotas = quotaLegacy({ directory: scratch.directory, virtdomains: true, fulldirhash: false });
  assert.deepEqual([...quotas.entries()], [['user.amy', 'a']]);
});
