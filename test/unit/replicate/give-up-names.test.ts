import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { formerInboxes, giveUpNames } from '../../../src/replicate/folders/give-up-names.ts';
import { hasInbox, inboxHasArrived, requireInbox } from '../../../src/replicate/folders/require-inbox.ts';
import { removeMailbox } from '../../../src/replicate/jobs/remove-mailbox.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MailboxEntry } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

/** A master and a replica as two lists of mailboxes; what is told is kept. */
class Sides {
  here: MailboxEntry[] = [];
  there: MailboxEntry[] = [];
  answer: () => Promise<void> = async () => {};
  readonly told: string[] = [];
  asked = 0;

  get context(): EngineContext {
    const tell = async (text: string): Promise<void> => {
      this.told.push(text);
      await this.answer();
    };
    return {
      store: {
        inboxName: (userid: string) => `user.${userid}`,
        ownerOf: (name: string) => /^user\.([^.]+)/.exec(name)?.[1],
        lookup: (name: string) => this.here.find((each) => each.name === name),
        lookupUniqueid: (uniqueid: string) => this.here.find((each) => each.uniqueid === uniqueid),
        refresh: async () => {},
      },
      session: {
        info: { longestName: 40 },
        getMailboxes: async (names: readonly string[]) => {
          this.asked++;
          return this.there.filter(({ name }) => names.includes(name)).map((each) => remoteOf(each, state()));
        },
        applyMailbox: ({ name, uniqueid, type, intermediate, local }: never) =>
          tell(`row ${name} ${/^[0-9a-f]{24}$/.test(uniqueid)} ${type} ${intermediate} ${local}`),
        applyUnmailbox: (name: string, local: boolean) => tell(`remove ${name} ${local}`),
      },
      options: { local: true },
      emit: ({ kind }: { kind: string }) => this.told.push(kind),
    } as unknown as EngineContext;
  }
}

test('a name is given up by a row without storage that is removed again, where nobody has it', async () => {
  const sides = new Sides();
  sides.there = [entry('user.bob')];
  await giveUpNames(sides.context, ['user.anna', 'user.bob']);
  assert.deepEqual(sides.told, ['row user.anna true ei true true', 'remove user.anna true']);
  await giveUpNames(sides.context, []);
  assert.equal(sides.asked, 1, 'nobody is asked about nothing');
});

test('a replica that refuses it is older, one that is gone ends it', async () => {
  const sides = new Sides();
  const failing = (family: 'refused' | 'link') => () =>
    Promise.reject(new SyncError('IMAP_PROTOCOL_ERROR', 'no', { family }));
  sides.answer = failing('refused');
  await giveUpNames(sides.context, ['user.anna']);
  sides.answer = failing('link');
  await assert.rejects(giveUpNames(sides.context, ['user.anna']), { family: 'link' });
});

test('an INBOX that became another user’s INBOX has given up its name, a folder has not', () => {
  const rename = (oldName: string, newName: string) =>
    ({ kind: 'rename', oldName, newName, partition: 'p', uidvalidity: 1 }) as const;
  const steps = [
    rename('user.anna', 'user.anne'),
    rename('user.anna.a', 'user.anne.a'),
    rename('user.bob', 'user.anne.bob'),
    rename('shared', 'user.carol'),
    { kind: 'unmailbox', name: 'user.dora' } as const,
  ];
  assert.deepEqual(formerInboxes(new Sides().context, steps), ['user.anna']);
});

test('personal data waits for the INBOX: to be there, to have storage, and to be this user’s', async () => {
  const inbox = entry('user.anna');
  const code = async (here: MailboxEntry[], there: MailboxEntry[]): Promise<string | undefined> => {
    const sides = Object.assign(new Sides(), { here, there });
    const failure = await requireInbox(sides.context, 'anna').then(
      () => undefined,
      (error: SyncError) => error,
    );
    assert.equal(await inboxHasArrived(sides.context, 'anna'), failure === undefined);
    if (failure) assert.deepEqual([failure.user, failure.mailbox], ['anna', 'user.anna']);
    return failure?.code;
  };
  assert.equal(await code([inbox], [inbox]), undefined);
  assert.equal(await code([inbox], []), 'IMAP_MAILBOX_NONEXISTENT');
  assert.equal(await code([inbox], [{ ...inbox, type: 'i' }]), 'IMAP_MAILBOX_NONEXISTENT');
  assert.equal(await code([inbox], [{ ...inbox, uniqueid: 'former' }]), 'IMAP_MAILBOX_MOVED');
  // Without an INBOX here there is nothing to wait for.
  for (const none of [[], [{ ...inbox, deleted: true }], [{ ...inbox, intermediate: true }]]) {
    assert.equal(await code(none, []), undefined);
    assert.equal(hasInbox(Object.assign(new Sides(), { here: none }).context, 'anna'), false);
  }
  assert.equal(hasInbox(Object.assign(new Sides(), { here: [inbox] }).context, 'anna'), true);
});

test('a mailbox is removed by proof of its deletion alone, and what is done or left is told', async () => {
  const work = entry('user.anna.a');
  const gone = { ...work, deleted: true };
  const remove = async (here: MailboxEntry[], there: MailboxEntry[] = [work]): Promise<string[]> => {
    const sides = Object.assign(new Sides(), { here, there });
    await removeMailbox(sides.context, work.name);
    return sides.told;
  };
  assert.deepEqual(await remove([work]), []);
  assert.deepEqual(await remove([]), ['mailbox:no-tombstone']);
  assert.deepEqual(await remove([gone], []), []);
  assert.deepEqual(await remove([gone]), ['command:unmailbox', 'remove user.anna.a true']);
  const moved = { ...work, name: 'user.anna.b' };
  await assert.rejects(remove([{ ...gone, uniqueid: 'other' }, moved]), {
    code: 'IMAP_MAILBOX_MOVED',
    mailbox: work.name,
  });
  const inDeleted = { ...work, name: 'DELETED.user.anna.a.5F5E1000', inDeleted: true };
  await assert.rejects(remove([{ ...gone, uniqueid: 'other' }, inDeleted]), { code: 'IMAP_MAILBOX_MOVED' });
  const unopenable = { ...inDeleted, name: `DELETED.user.anna.${'a'.repeat(40)}.5F5E1000` };
  assert.deepEqual(await remove([{ ...gone, uniqueid: 'other' }, unopenable]), [
    'command:unmailbox',
    'remove user.anna.a true',
  ]);
});
