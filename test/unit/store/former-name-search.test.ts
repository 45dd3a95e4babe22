import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { FormerNameSearch, type MailboxNames } from '../../../src/store/mailbox-list/former-name-search.ts';

const PAGE = 2;

/** Records in pages of two: `now<before,before`, as values that have a history and say so. */
function scene(records: readonly string[], { isLocked = () => false }: { isLocked?: () => boolean } = {}) {
  let pages = 0;
  const search = new FormerNameSearch({
    recordsBehind: (after) => {
      if (isLocked()) throw new SyncError('LOCK_TIMEOUT', 'locked');
      pages += 1;
      const from = after === undefined ? 0 : Number(after) + 1;
      const values = records.slice(from, from + PAGE);
      return { values, last: values.length === PAGE ? String(from + PAGE - 1) : undefined };
    },
    namesOf: (value): MailboxNames | undefined => {
      const [now = '', before = ''] = value.replace(' H (', '').split('<');
      return now.startsWith('-') ? undefined : { now, before: before.split(',') };
    },
  });
  return { search, pages: () => pages };
}

const RECORDS = [
  'anne<anna H (',
  'bob',
  'carl<bob,anna H (',
  '-dora<anna H (',
  'emil<emilie,emil,emilie H (',
];

test('all who were once called so are found by what they are called now, whichever of their names it was', async () => {
  const { search } = scene(RECORDS);
  assert.deepEqual(await search.find('anna'), ['anne', 'carl']);
  assert.deepEqual(await search.find('bob'), ['carl']);
  assert.deepEqual(await search.find('emilie'), ['emil'], 'once, though called so twice');
  assert.deepEqual(await search.find('anne'), []);
});

test('all who ask while the records are being read share the next reading', async () => {
  const { search, pages } = scene(RECORDS);
  const first = search.find('anna');
  await Promise.resolve();
  await Promise.all([first, search.find('bob'), search.find('anna'), search.find('x')]);
  assert.equal(pages(), 2 * Math.ceil(RECORDS.length / PAGE));
});

test('a database that is locked is tried again', async () => {
  let tries = 0;
  const { search } = scene(RECORDS, { isLocked: () => ++tries === 2 });
  assert.deepEqual(await search.find('anna'), ['anne', 'carl']);
});
