import assert from 'node:assert/strict';
import test from 'node:test';
import { UniqueidSearch } from '../../../src/store/mailbox-list/uniqueid-search.ts';
import type { MailboxEntry } from '../../../src/store/master-store.ts';

/** A list of a row a page, which somebody else changes while it is read. */
class ChangingList {
  readonly rows = new Map<string, { uniqueid: string; deleted: boolean }>();
  readings = 0;
  /** Is called before each page. */
  meanwhile: (after: string | undefined) => void = () => undefined;
  #changes = 0;

  rename(from: string, to: string): void {
    const row = this.rows.get(from);
    assert.ok(row);
    this.rows.set(to, row);
    this.rows.set(from, { ...row, deleted: true });
    this.#changes++;
  }

  rowsBehind(after: string | undefined): { found: [string, string][]; last: string | undefined } {
    if (after === undefined) this.readings++;
    this.meanwhile(after);
    const name = [...this.rows.keys()].sort().find((each) => after === undefined || each > after);
    if (name === undefined) return { found: [], last: undefined };
    return { found: [[name, `%(I ${this.rows.get(name)?.uniqueid})`]], last: name };
  }

  entryOf(name: string): MailboxEntry {
    const { uniqueid, deleted } = this.rows.get(name) ?? { uniqueid: '', deleted: true };
    const none = { type: '', acl: '', partition: undefined, userid: undefined };
    const numbers = { uidvalidity: 1, createdmodseq: 1, foldermodseq: 1 };
    const is = { intermediate: false, legacyDirs: true, inDeleted: false };
    return { name, uniqueid, deleted, ...none, ...numbers, ...is };
  }

  stamp(): string {
    return String(this.#changes);
  }
}

function listOf(...names: readonly string[]): ChangingList {
  const list = new ChangingList();
  for (const name of names) list.rows.set(name, { uniqueid: `id-${name}`, deleted: false });
  return list;
}

test('a mailbox that is renamed to where the reading has been is found all the same', async () => {
  const list = listOf('a', 'm', 'z');
  list.meanwhile = (after) => {
    if (after === 'a' && list.readings === 1) list.rename('m', 'aa');
  };
  const found = await new UniqueidSearch(list).find(['id-m']);
  assert.deepEqual([found.get('id-m')?.name, found.get('id-m')?.deleted], ['aa', false]);
});

test('a list that is changed all the time is read a few times, and one that is not is read once', async () => {
  const quiet = listOf('a', 'm');
  await new UniqueidSearch(quiet).find(['id-none']);
  assert.equal(quiet.readings, 1);
  const busy = listOf('a', 'm');
  busy.meanwhile = (after) => {
    if (after === undefined)
      busy.rename(`m${'x'.repeat(busy.readings - 1)}`, `m${'x'.repeat(busy.readings)}`);
  };
  await new UniqueidSearch(busy).find(['id-none']);
  assert.equal(busy.readings, 3);
});

test('all who ask while the list is being read share the next reading', async () => {
  const list = listOf('a', 'm');
  const search = new UniqueidSearch(list);
  const asked: Promise<ReadonlyMap<string, MailboxEntry>>[] = [];
  list.meanwhile = (after) => {
    if (after === 'a' && list.readings === 1) asked.push(search.find(['id-a']), search.find(['id-m']));
  };
  await search.find(['id-none']);
  const [first, second] = await Promise.all(asked);
  assert.equal(first?.get('id-a')?.name, 'a');
  assert.equal(second?.get('id-m')?.name, 'm');
  assert.equal(list.readings, 2);
});

test('a reading that fails fails those who asked, and the next one is another', async () => {
  const list = listOf('a');
  list.meanwhile = () => {
    throw new Error('unreadable');
  };
  const search = new UniqueidSearch(list);
  await assert.rejects(search.find(['id-a']), /unreadable/);
  list.meanwhile = () => undefined;
  assert.equal((await search.find(['id-a'])).get('id-a')?.name, 'a');
});
