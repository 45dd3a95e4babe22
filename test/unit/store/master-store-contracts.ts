import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type { ByteString } from '../../../src/byte-string.ts';
import { annotationCrc, basicCrc } from '../../../src/store/mailbox/checksums.ts';
import type {
  Enumerated,
  IndexRecord,
  LockedMailbox,
  MailboxEntry,
  MasterStore,
} from '../../../src/store/master-store.ts';

export interface OpenStore extends AsyncDisposable {
  /** Has users with folders and messages, and shared mailboxes. */
  readonly store: MasterStore;
}

/** No store has it. */
const NOBODY = 'nobody-at-all';

/** The contract for the names of every store. */
export function storeNames(who: string, open: () => Promise<OpenStore>): void {
  const contract = contractOf(who, open);

  contract('users and shared mailboxes are enumerated once each, and all of them are there', (store) => {
    const found = told(store);
    assert.equal(new Set(found.map(nameOf)).size, found.length);
    assert.ok(found.some(({ kind }) => kind === 'user') && found.some(({ kind }) => kind === 'shared'));
    for (const each of found) {
      if (each.kind === 'shared') {
        assert.equal(store.ownerOf(each.name), undefined, each.name);
        const entry = store.lookup(each.name);
        assert.equal(entry?.deleted || entry?.intermediate, false, each.name);
      } else {
        assert.equal(store.ownerOf(store.inboxName(each.userid)), each.userid);
      }
    }
  });

  contract('names are those that begin so, and are there', (store) => {
    const all = [...store.names('')];
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(
      [...store.names('user.')],
      all.filter((name) => name.startsWith('user.')),
    );
    for (const name of all) {
      const entry = store.lookup(name);
      assert.ok(entry && !entry.deleted && !entry.intermediate, name);
    }
    assert.deepEqual([...store.names(store.inboxName(NOBODY))], []);
  });

  contract('nobody has nothing', (store) => {
    assert.equal(store.lookup(store.inboxName(NOBODY)), undefined);
    assert.deepEqual(store.estimate(users(store)[0] ?? '').mailboxes > 0, true);
  });
}

/** The contract of every store that mailboxes are read from. */
export function storeContents(who: string, open: () => Promise<OpenStore>): void {
  const contract = contractOf(who, open);

  contract(
    "a user's mailboxes are the user's, with DELETED ones last, and found by name and by uniqueid",
    (store) => {
      for (const userid of users(store)) {
        const entries = store.mailboxesOf(userid);
        assert.ok(entries.length > 0, userid);
        const firstDeleted = entries.findIndex(({ inDeleted }) => inDeleted);
        if (firstDeleted >= 0) assert.ok(entries.slice(firstDeleted).every(({ inDeleted }) => inDeleted));
        for (const entry of entries) {
          assert.equal(entry.userid, userid);
          assert.equal(entry.deleted, false);
          assert.equal(store.ownerOf(entry.name), userid);
          assert.deepEqual(store.lookup(entry.name), entry);
          if (!entry.intermediate) assert.equal(store.lookupUniqueid(entry.uniqueid)?.name, entry.name);
        }
      }
    },
  );

  contract('who or what is not there is empty, not an error', async (store) => {
    const inbox = store.inboxName(NOBODY);
    assert.deepEqual(store.mailboxesOf(NOBODY), []);
    assert.equal(store.lookupUniqueid(NOBODY), undefined);
    assert.deepEqual(store.formerNames(NOBODY) ?? [], []);
    assert.deepEqual(await store.livingOnceCalled(NOBODY), []);
    assert.equal(await store.readMailbox(inbox, () => true), undefined);
    assert.deepEqual(store.estimate(NOBODY), { mailboxes: 0, messages: 0 });
    assert.equal(await store.quota(inbox), undefined);
    assert.deepEqual(store.subscriptions(NOBODY), []);
    assert.deepEqual(store.seen(NOBODY), []);
    assert.deepEqual((await store.sieve(NOBODY)).scripts, []);
    assert.deepEqual(store.scriptFiles(NOBODY).scripts, []);
    assert.equal((await store.peek([])).size, 0);
  });

  contract('what a mailbox says of itself is what its records say', async (store) => {
    for (const entry of mailboxes(store)) {
      const read = await store.readMailbox(entry.name, (mailbox) => ({
        entry: mailbox.entry,
        state: mailbox.state,
        records: [...recordsOf(mailbox)],
      }));
      assert.ok(read, entry.name);
      const { state, records } = read;
      assert.deepEqual(read.entry, entry);
      const live = records.filter(({ flags }) => !flags.includes('\\Expunged'));
      assert.equal(state.exists, live.length, entry.name);
      assert.ok(
        records.every(({ modseq }) => modseq <= state.highestmodseq),
        entry.name,
      );
      assert.ok((records.at(-1)?.uid ?? 0) <= state.lastUid, entry.name);
      assert.equal(state.crcBasic, basicCrc(records), entry.name);
      assert.equal(state.crcAnnotations, annotationCrc(records, state.indexVersion), entry.name);
      assert.equal(state.uidvalidity, entry.uidvalidity);
    }
  });

  contract(
    'pages are in the order of UIDs, begin where they are asked to, and agree with their records',
    async (store) => {
      for (const entry of mailboxes(store)) {
        await store.readMailbox(entry.name, (mailbox) => {
          const all = [...recordsOf(mailbox)].map(({ uid }) => uid);
          assert.deepEqual(
            all,
            [...new Set(all)].sort((a, b) => a - b),
            entry.name,
          );
          const from = all[Math.floor(all.length / 2)] ?? 1;
          assert.deepEqual(
            [...recordsOf(mailbox, from)].map(({ uid }) => uid).filter((uid) => uid >= from),
            all.filter((uid) => uid >= from),
          );
          return true;
        });
      }
    },
  );

  contract('a message has the octets that its record tells of', async (store) => {
    let messages = 0;
    for (const entry of mailboxes(store)) {
      const read = await store.readMailbox(entry.name, (mailbox) => ({
        messages: mailbox.messages,
        records: [...recordsOf(mailbox)].filter(({ unlinked }) => !unlinked),
      }));
      for (const record of read?.records.slice(0, 3) ?? []) {
        const content = await read?.messages.readMessage(record);
        if (content === undefined) continue;
        const digest = createHash('sha1');
        for await (const piece of Buffer.isBuffer(content) ? [content] : content) digest.update(piece);
        assert.equal(digest.digest('hex'), record.guid);
        messages += 1;
      }
    }
    assert.ok(messages > 0);
  });

  contract('a peek tells what a read does', async (store) => {
    for (const userid of users(store)) {
      for (const [entry, view] of await store.peek(store.mailboxesOf(userid))) {
        const read = await store.readMailbox(entry.name, ({ state, annotations }) => ({
          state,
          annotations,
        }));
        const { exists, indexVersion } = view.state;
        // What only the records tell a peek may leave out.
        const unread = exists === undefined && read ? { ...read.state, exists, indexVersion } : read?.state;
        assert.deepEqual(view.state, unread, entry.name);
        assert.deepEqual(view.annotations, read?.annotations, entry.name);
        assert.equal(view.entry.name, entry.name);
      }
    }
  });

  contract('what one job has had refreshed is nothing to another', async (store) => {
    const [userid = ''] = users(store);
    const own = store.forJob();
    await own.refresh({ users: [userid] });
    assert.deepEqual(own.mailboxesOf(userid), store.mailboxesOf(userid));
    assert.deepEqual(own.subscriptions(userid), store.subscriptions(userid));
    assert.deepEqual(own.seen(userid), store.seen(userid));
  });

  contract('an estimate of a user is that of all mailboxes', (store) => {
    for (const userid of users(store)) {
      const entries = store.mailboxesOf(userid);
      const each = entries.map((entry) => store.estimateMailbox(entry).messages);
      assert.deepEqual(store.estimate(userid), {
        mailboxes: entries.length,
        messages: each.reduce((sum, messages) => sum + messages, 0),
      });
    }
  });

  contract('one has the sync lock of a user, until it is given back', (store) => {
    const [userid = ''] = users(store);
    {
      using first = store.trySyncLock('replica', userid);
      assert.ok(first);
      assert.equal(store.trySyncLock('replica', userid), undefined);
      using shared = store.trySyncLock('replica', '');
      assert.ok(shared);
    }
    using again = store.trySyncLock('replica', userid);
    assert.ok(again);
  });

  contract('one has the quota roots of a replica made, whoever has the sync locks', (store) => {
    using shared = store.trySyncLock('replica', '');
    assert.ok(shared);
    {
      using first = store.tryQuotaRootLock('replica');
      assert.ok(first);
      assert.equal(store.tryQuotaRootLock('replica'), undefined);
    }
    using again = store.tryQuotaRootLock('replica');
    assert.ok(again);
  });
}

type Contract = (name: string, run: (store: MasterStore) => void | Promise<void>) => void;

function contractOf(who: string, open: () => Promise<OpenStore>): Contract {
  return (name, run) => {
    test(`${who}: ${name}`, async () => {
      await using opened = await open();
      const { store } = opened;
      await store.refresh({ everybody: true });
      const names = told(store).flatMap((each) => (each.kind === 'shared' ? [each.name] : []));
      await store.refresh({
        users: [...users(store), NOBODY],
        names: [...names, store.inboxName(NOBODY)],
        uniqueids: [NOBODY],
      });
      await run(store);
    });
  };
}

type Told = Exclude<Enumerated, { kind: 'busy' }>;

function told(store: MasterStore): Told[] {
  return [...store.enumerate()].filter((each) => each.kind !== 'busy');
}

function nameOf(each: Told): ByteString {
  return each.kind === 'user' ? `user ${each.userid}` : each.name;
}

function users(store: MasterStore): ByteString[] {
  return told(store).flatMap((each) => (each.kind === 'user' ? [each.userid] : []));
}

/** All that are in some storage. */
function mailboxes(store: MasterStore): MailboxEntry[] {
  const shared = told(store).flatMap((each) => (each.kind === 'shared' ? [store.lookup(each.name)] : []));
  const owned = users(store).flatMap((userid) => store.mailboxesOf(userid));
  return [...shared, ...owned].filter(
    (entry) => entry !== undefined && !entry.intermediate,
  ) as MailboxEntry[];
}

function* recordsOf(mailbox: LockedMailbox, fromUid?: number): Generator<IndexRecord> {
  for (const page of mailbox.pages(fromUid)) {
    for (let i = 0; i < page.count; i += 1) {
      const record = page.record(i);
      const { uid, modseq, size, guid, unlinked, archived } = record;
      assert.deepEqual(
        [page.uid(i), page.modseq(i), page.size(i), page.guid(i), page.unlinked(i), page.archived(i)],
        [uid, modseq, size, guid, unlinked, archived],
      );
      assert.equal(page.expunged(i), record.flags.includes('\\Expunged'));
      assert.equal(page.guidIsNull(i), /^0+$/.test(guid));
      yield record;
    }
  }
}
