import assert from 'node:assert/strict';
import test from 'node:test';
import type { NameRules } from '../../../src/store/paths/mailbox-name.ts';
import { listEverybody } from '../../../src/store/remote/list-everybody.ts';

const DOTS: NameRules = {
  virtdomains: 'off',
  defaultdomain: '',
  deletedprefix: 'DELETED',
  unixhierarchysep: false,
};
const SLASHES: NameRules = { ...DOTS, unixhierarchysep: true };

/** Nothing is there beside what is listed. */
const none = async () => [];

/** An imapd that lists what matches, `*` anything and `%` anything but a separator, and what is asked of it. */
function server(separator: '/' | '.', names: readonly string[]) {
  const asked: string[] = [];
  const list: Parameters<typeof listEverybody>[0] = async (patterns, take) => {
    for (const pattern of patterns(separator)) {
      asked.push(pattern);
      const source = pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\*', '.*');
      const matching = new RegExp(`^${source.replaceAll('%', `[^${separator}]*`)}$`);
      const parents = names.flatMap((name) =>
        name.split(separator).map((_, index, parts) => parts.slice(0, index + 1).join(separator)),
      );
      for (const name of new Set(parents))
        if (matching.test(name)) take({ name, separator, exists: names.includes(name) });
    }
    return true;
  };
  return { asked, list };
}

test('each INBOX and each shared mailbox is found once, what users have below theirs is not asked for', async () => {
  const names = [
    'user/anna',
    'user/anna/Sent',
    'user/bob',
    'shared',
    'shared/a',
    'shared/a/b',
    'more/only/below',
  ];
  const { asked, list } = server('/', names);
  assert.deepEqual(await listEverybody(list, none, SLASHES, 'master'), [
    'more.only.below',
    'shared',
    'shared.a',
    'shared.a.b',
    'user.anna',
    'user.bob',
  ]);
  assert.deepEqual(asked.sort(), ['%', 'DELETED/%', 'more/*', 'shared/*', 'user/%']);
});

test('shared mailboxes that were deleted are found, those of users are the users’', async () => {
  const names = [
    'user.anna',
    'DELETED.user.anna.a.5F5E1000',
    'DELETED.shared.5F5E1000',
    'DELETED.shared.a.5F5E1000',
  ];
  const { asked, list } = server('.', names);
  assert.deepEqual(await listEverybody(list, none, DOTS, 'master'), [
    'DELETED.shared.5F5E1000',
    'DELETED.shared.a.5F5E1000',
    'user.anna',
  ]);
  assert.ok(asked.includes('DELETED.shared.*'));
  assert.ok(!asked.includes('DELETED.user.*') && !asked.includes('user.*'));
});

test('with domains everything that has one is asked for', async () => {
  const rules: NameRules = { ...SLASHES, virtdomains: 'on' };
  const { asked, list } = server('/', ['user/anna@example.org', 'user/bob', 'shared@example.org']);
  const found = await listEverybody(list, none, rules, 'master');
  assert.ok(asked.includes('*@*'));
  assert.deepEqual(found.sort(), ['example.org!shared', 'example.org!user.anna', 'user.bob']);
});

test('mailboxes without a domain that LIST passes over because of namesakes in a domain are asked for by name', async () => {
  const rules: NameRules = { ...SLASHES, virtdomains: 'userid' };
  const { list } = server('/', [
    'user/anna/Sent@example.org',
    'user/bob',
    'user/bob/Sent@example.org',
    'shared/a/b@example.org',
  ]);
  const asked: string[] = [];
  const find = async (names: readonly string[]) => {
    asked.push(...names);
    return ['user.anna', 'shared.a'];
  };
  const found = await listEverybody(list, find, rules, 'master');
  assert.deepEqual(asked.toSorted(), ['shared', 'shared.a', 'user.anna']);
  assert.deepEqual(found, ['example.org!shared.a.b', 'shared.a', 'user.anna', 'user.bob']);
});

test('a server that writes names in another way, or lists none, ends it', async () => {
  const { list } = server('.', ['user.anna']);
  await assert.rejects(listEverybody(list, none, SLASHES, 'master'), {
    code: 'CONFIG',
    hint: /unixhierarchysep: no/,
  });
  const other = server('/', ['user/anna']);
  await assert.rejects(listEverybody(other.list, none, DOTS, 'master'), {
    code: 'CONFIG',
    hint: /unixhierarchysep: yes/,
  });
  await assert.rejects(
    listEverybody(async () => false, none, DOTS, 'master'),
    { code: 'CONFIG', hint: /--from/ },
  );
});
