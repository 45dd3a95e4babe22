import assert from 'node:assert/strict';
import test from 'node:test';
import type { NameRules } from '../../../src/store/paths/mailbox-name.ts';
import { KnownNames } from '../../../src/store/remote/known-names.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const RULES: NameRules = {
  virtdomains: 'off',
  defaultdomain: '',
  deletedprefix: 'DELETED',
  unixhierarchysep: false,
};

const line = (name: string, uniqueid = `id-${name}`) => remoteOf(entry(name, { uniqueid }), state());

function known(): KnownNames {
  return new KnownNames(RULES, (name) => /^(?:DELETED\.)?user\.([^.]+)/.exec(name)?.[1]);
}

test('of what was not asked for nothing is said, which is not that it is not there', () => {
  const names = known();
  assert.throws(() => names.find('user.anna'), { code: 'BUG', mailbox: 'user.anna' });
  assert.throws(() => names.findUniqueid('id'), { code: 'BUG' });
  assert.equal(names.isKnown('id'), false);
  names.takeNames(['user.anna', 'user.anna.a'], [line('user.anna')]);
  assert.equal(names.find('user.anna')?.name, 'user.anna');
  assert.equal(names.find('user.anna.a'), undefined);
  assert.equal(names.findUniqueid('id-user.anna')?.name, 'user.anna');
  assert.throws(() => names.find('user.anna.b'), { code: 'BUG' });
  names.takeUniqueids(['id-1', 'id-2'], [line('shared', 'id-1')]);
  assert.deepEqual(
    [names.findUniqueid('id-1')?.name, names.findUniqueid('id-2'), names.find('shared')?.name],
    ['shared', undefined, 'shared'],
  );
  assert.deepEqual(
    ['id-1', 'id-2', 'id-3'].map((each) => names.isKnown(each)),
    [true, true, false],
  );
});

test('of a user who was asked for as a whole everything is known, and what was known before is forgotten', () => {
  const names = known();
  names.takeNames(['user.anna', 'user.anna.old', 'user.bob'], [line('user.anna.old'), line('user.bob')]);
  names.takeUser('anna', [line('user.anna'), line('user.anna.new')]);
  assert.equal(names.find('user.anna.old'), undefined);
  assert.equal(names.find('user.anna.never'), undefined);
  assert.equal(names.find('user.anna.new')?.name, 'user.anna.new');
  assert.equal(names.isKnown('id-user.anna.old'), false);
  assert.equal(names.find('user.bob')?.name, 'user.bob');
  assert.throws(() => names.find('user.carol'), { code: 'BUG' });
  assert.throws(() => names.find('shared'), { code: 'BUG' });
  names.takeNames(['user.anna.late'], [line('user.anna.late')]);
  names.takeUser('anna', []);
  assert.deepEqual([names.ofUser('anna'), names.find('user.anna')], [[], undefined]);
});

test('a user’s mailboxes come in the order of a mailbox list, deleted ones last', () => {
  const names = known();
  const of = ['DELETED.user.anna.a.5F5E1000', 'user.anna.b', 'user.anna.a.c', 'user.anna', 'user.anna.a'];
  names.takeUser(
    'anna',
    of.map((name) => line(name)),
  );
  names.takeUser('bob', [line('user.bob')]);
  assert.deepEqual(
    names.ofUser('anna').map(({ name }) => name),
    ['user.anna', 'user.anna.a', 'user.anna.a.c', 'user.anna.b', 'DELETED.user.anna.a.5F5E1000'],
  );
});
