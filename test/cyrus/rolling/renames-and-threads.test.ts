import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { makeIntermediate } from '../../lab/make-intermediate.ts';
import { append } from '../../lab/populate.ts';
import { RollingScene } from './rolling-scene.ts';

/** More scenarios of Cyrus's own test suite, as in scenarios.test.ts, with conversations. */
const scene = new RollingScene({
  both: { imapd: { allowusermoves: 'yes', conversations: 'yes' } },
  master: { imapd: { sync_log: 'yes' } },
});
const { scenario } = scene;

scenario('intermediate_upgrade', async ({ user, does, inStep }) => {
  // From 3.4 on imapd makes a real parent at once.
  const parents = scene.pair.replica.programs.isAtLeast(3, 4) ? [`user/${user}/made`] : [];
  await does((imap) => imap.ok('CREATE INBOX/made/b'));
  await inStep();
  assert.deepEqual((await scene.onReplica(`user/${user}/*`)).sort(), [...parents, `user/${user}/made/b`]);
  // A store that was upgraded to it has rows without a mailbox.
  await makeIntermediate(scene.pair.master, `user.${user}.row`);
  await scene.pair.master.runOk('cyr_synclog', ['-u', user]);
  await inStep();
  assert.deepEqual(await scene.onReplica(`user/${user}/row*`), []);
  await does(async (imap) => {
    await imap.ok('CREATE INBOX/row');
    await append(imap, 'INBOX/row', 1, 'a mailbox by now', user);
  });
  await inStep();
  assert.deepEqual(await scene.onReplica(`user/${user}/row*`), [`user/${user}/row`]);
});

scenario(
  'rename_old_synccache',
  async ({ user, does, inStep }) => {
    await does((imap) => append(imap, 'INBOX', 3, 'copied later', user));
    await inStep();
    await scene.admin.ok(`RENAME user/${user} user/${user}two`);
    await inStep(`${user}two`);
    await scene.admin.ok(`RENAME user/${user}two user/${user}three`);
    await inStep(`${user}three`);
    await scene.as(`${user}three`, async (imap) => {
      await imap.ok('SELECT INBOX');
      await imap.ok('COPY 1:3 INBOX/Work');
    });
    await inStep(`${user}three`);
    assert.doesNotMatch(scene.client.log, new RegExp(`Promoting.*${user}|do_folders.*${user}`));
  },
  ['Work'],
);

scenario(
  'rename_deepuser',
  async ({ user, does, inStep }) => {
    await does(async (imap) => {
      for (const folder of ['INBOX', 'INBOX/a', 'INBOX/a/b/c/d', 'INBOX/e'])
        await append(imap, folder, 2, folder, user);
      await imap.ok('SUBSCRIBE INBOX/a/b/c/d');
    });
    await inStep();
    await scene.admin.ok(`RENAME user/${user} user/${user}.with.dots`);
    await inStep(`${user}.with.dots`);
    assert.deepEqual(
      await scene.onReplica(`user/${user}*`),
      await scene.onReplica(`user/${user}.with.dots*`),
    );
  },
  ['a', 'a/b/c/d', 'a/b/c/d/e/f', 'e'],
);

scenario(
  'rename_user_sharer',
  async ({ user, does, inStep }) => {
    const readers = [`${user}reader`, `${user}other`];
    for (const reader of readers) await scene.createUser(reader);
    await does(async (imap) => {
      await append(imap, 'INBOX/Shared', 4, 'shared', user);
      for (const [reader, rights] of [
        [readers[0], 'lrswi'],
        [readers[1], 'lrs'],
      ]) {
        await imap.ok(`SETACL INBOX/Shared ${reader} ${rights}`);
      }
    });
    const read = async (reader: string, name: string, uids: string): Promise<void> => {
      await scene.as(reader, async (imap) => {
        await imap.ok(`SUBSCRIBE user/${name}/Shared`);
        await imap.ok(`SELECT user/${name}/Shared`);
        await imap.ok(`UID STORE ${uids} +FLAGS (\\Seen)`);
      });
    };
    for (const reader of readers) await read(reader, user, '1:2');
    await inStep(user, ...readers);
    await scene.admin.ok(`RENAME user/${user} user/${user}new`);
    await inStep(`${user}new`, ...readers);
    for (const reader of readers) await read(reader, `${user}new`, '3');
    await inStep(`${user}new`, ...readers);
    // Seen state in the mailboxes of others too.
    await assertSameMail(scene.pair.master, scene.pair.replica, [`${user}new`, ...readers]);
    assert.deepEqual(await scene.onReplica(`user/${user}/*`), []);
  },
  ['Shared'],
);

scenario('msg_replication_new_mas', async ({ user, does, inStep }) => {
  for (const words of ['first', 'second']) {
    await does(async (imap) => {
      await append(imap, 'INBOX', 1, words, user);
      await imap.ok('SELECT INBOX');
      await imap.ok(`STORE * ANNOTATION (/comment (value.shared "${words}" value.priv "${words}, mine"))`);
    });
    await inStep();
  }
});

scenario('msg_replication_new_mas_partial_wwd', async ({ user, does, inStep }) => {
  await does((imap) => append(imap, 'INBOX', 2, 'annotated', user));
  for (const value of ['"one"', '"two"', 'NIL']) {
    await does(async (imap) => {
      await imap.ok('SELECT INBOX');
      await imap.ok(`STORE 1 ANNOTATION (/comment (value.shared ${value} value.priv ${value}))`);
    });
    await inStep();
  }
});

scenario('replication_reply_200', async ({ user, does, inStep }) => {
  const threads = async (): Promise<number> => {
    await using there = await scene.pair.replica.imap(user);
    await there.ok('EXAMINE INBOX');
    const fetched = await there.ok('UID FETCH 1:* (THREADID)');
    return new Set(fetched.map(([, , items]) => /THREADID,([^,]+)/.exec(String(items))?.[1])).size;
  };
  await does((imap) => append(imap, 'INBOX', 90, 'reply', user, 'A very long thread'));
  await inStep();
  assert.equal(await threads(), 1);
  await does((imap) => append(imap, 'INBOX', 110, 'another reply', user, 'Re: A very long thread'));
  await inStep();
  // Cyrus begins another conversation when one has become too long, or cannot be told to be the same.
  assert.ok((await threads()) > 1, 'all in one conversation');
});

test('after all of them the C client finds nothing to send, and nobody has had to be tried again', async () => {
  await scene.client.settled();
  await assertNothingLeft(scene.pair);
  assert.doesNotMatch(scene.client.log, /in quarantine|will try/);
});
