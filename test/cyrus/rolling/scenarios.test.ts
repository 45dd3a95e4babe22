import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, type Pair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { RollingScene } from './rolling-scene.ts';

/**
 * The scenarios of Cyrus's own test suite that rolling replication has to do with (algorithm 15), by its
 * names.
 */
const scene = new RollingScene({
  both: { imapd: { allowusermoves: 'yes' } },
  master: { imapd: { sync_log: 'yes' } },
});
const { scenario } = scene;

scenario('append', async ({ user, does, inStep }) => {
  await does((imap) => append(imap, 'INBOX', 4, 'append', user));
  await inStep();
});

scenario('replication_with_modified_seen_flag', async ({ user, does, inStep }) => {
  await does((imap) => append(imap, 'INBOX', 2, 'seen', user));
  await inStep();
  await does(async (imap) => {
    await imap.ok('SELECT INBOX');
    await imap.ok('STORE 2 +FLAGS (\\Seen)');
  });
  await inStep();
});

scenario('userflags', async ({ user, does, inStep }) => {
  await does(async (imap) => {
    await append(imap, 'INBOX', 2, 'flags', user);
    await imap.ok('SELECT INBOX');
    await imap.ok('STORE 1 +FLAGS (One Two)');
    await imap.ok('STORE 1 -FLAGS (One Two)');
  });
  await inStep();
});

scenario('sync_log_mailbox_with_spaces', async ({ user, does, inStep }) => {
  await does(async (imap) => {
    for (const name of ['A name with spaces', "It's (odd), #1 [x]", 'plain']) {
      await imap.ok(`CREATE "INBOX/${name}"`);
      await append(imap, `INBOX/${name}`, 1, name, user);
    }
  });
  await inStep();
  assert.equal((await scene.onReplica(`user/${user}/*`)).length, 3);
});

scenario(
  'intermediate_rename',
  async ({ user, does, inStep }) => {
    await does(async (imap) => {
      await append(imap, 'INBOX/one', 1, 'one', user);
      await append(imap, 'INBOX/two', 2, 'two', user);
      await imap.ok('RENAME INBOX/one INBOX/a/b/c');
    });
    await inStep();
    await does((imap) => imap.ok('RENAME INBOX/two INBOX/a/b/d'));
    await inStep();
    await does((imap) => imap.ok('RENAME INBOX/a/b INBOX/x'));
    await inStep();
  },
  ['one', 'two'],
);

scenario('comment_repl', async ({ does, inStep }) => {
  for (const value of ['"first"', '"second"', 'NIL']) {
    await does((imap) => imap.ok(`SETMETADATA INBOX (/shared/comment ${value})`));
    await inStep();
  }
});

for (const kind of ['shared', 'private'] as const) {
  scenario(`${kind}_global_annot_replication`, async () => {
    const get = async (server: Pair['master']): Promise<string> => {
      await using imap = await server.imap();
      return JSON.stringify(await imap.ok(`GETMETADATA "" /${kind}/comment`));
    };
    for (const value of ['"words for all"', 'NIL']) {
      await scene.admin.ok(`SETMETADATA "" (/${kind}/comment ${value})`);
      await scene.client.settled();
      const here = await get(scene.pair.master);
      assert.equal(here.includes('words'), value !== 'NIL');
      // A replica of 3.2 refuses them, which holds up nothing.
      const takes = scene.pair.replica.programs.isAtLeast(3, 6);
      const there = await get(scene.pair.replica);
      if (takes) assert.equal(there, here);
      else assert.ok(!there.includes('words'), there);
    }
  });
}

scenario('msg_replication_new_mas_partial_wwsw', async ({ user, does, inStep }) => {
  await does((imap) => append(imap, 'INBOX', 2, 'annotated', user));
  for (const value of ['"one"', '"two"', 'NIL', '"three"']) {
    await does(async (imap) => {
      await imap.ok('SELECT INBOX');
      await imap.ok(`STORE 1 ANNOTATION (/comment (value.shared ${value} value.priv ${value}))`);
    });
    await inStep();
  }
});

scenario('mbox_replication_new_mas', async ({ does, inStep }) => {
  await does((imap) => imap.ok('SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")'));
  await inStep();
  await does((imap) => imap.ok('SETMETADATA INBOX (/private/comment NIL /shared/comment "changed")'));
  await inStep();
});

for (const [kind, resource] of [
  ['storage', 'STORAGE'],
  ['message', 'MESSAGE'],
  ['annotstorage', PROGRAMS.quotaResources.annotations],
] as const) {
  scenario(`replication_${kind}`, async ({ user, inStep }) => {
    for (const limits of [`${resource} 50000`, `${resource} 60000`, '']) {
      await scene.admin.ok(`SETQUOTA user/${user} (${limits})`);
      await inStep();
    }
  });
}

scenario(
  'rename_quotaroot',
  async ({ user, does, inStep }) => {
    await scene.admin.ok(`SETQUOTA user/${user}/Work (STORAGE 12345)`);
    await does((imap) => append(imap, 'INBOX/Work', 1, 'quota', user));
    await inStep();
    await scene.admin.ok(`RENAME user/${user}/Work user/${user}/Moved`);
    await inStep();
    await scene.admin.ok(`SETQUOTA user/${user} (STORAGE 54321)`);
    await scene.admin.ok(`RENAME user/${user} user/${user}new`);
    await inStep(`${user}new`);
  },
  ['Work', 'Work/Deep'],
);

scenario(
  'rename_deepuser_standardfolders',
  async ({ user, does, inStep }) => {
    await does(async (imap) => {
      for (const folder of ['INBOX', 'INBOX/Drafts', 'INBOX/a/b/c/d'])
        await append(imap, folder, 2, folder, user);
      await imap.ok('SUBSCRIBE INBOX/a/b/c/d');
    });
    await inStep();
    await scene.admin.ok(`RENAME user/${user} user/${user}new`);
    await inStep(`${user}new`);
    assert.deepEqual(await scene.onReplica(`user/${user}`), [], 'the old name is still there');
    assert.deepEqual(await scene.onReplica(`user/${user}/*`), [], 'something of the old name is still there');
  },
  ['Drafts', 'Sent', 'Trash', 'a/b/c/d'],
);

scenario(
  'rename_deepfolder_intermediates',
  async ({ user, does, inStep }) => {
    await does((imap) => append(imap, 'INBOX/a/b/c/d', 1, 'deep', user));
    await inStep();
    await does((imap) => imap.ok('RENAME INBOX/a/b/c INBOX/x/y/z'));
    await inStep();
    await does((imap) => imap.ok('RENAME INBOX/x INBOX/w'));
    await inStep();
  },
  ['a', 'a/b/c', 'a/b/c/d'],
);

scenario(
  'mailbox_rename_switch_ab',
  async ({ user, does, inStep }) => {
    await does(async (imap) => {
      await append(imap, 'INBOX/a', 1, 'first a', user);
      await append(imap, 'INBOX/b', 2, 'first b', user);
    });
    await inStep();
    await does(async (imap) => {
      await imap.ok('RENAME INBOX/a INBOX/between');
      await imap.ok('RENAME INBOX/b INBOX/a');
      await imap.ok('RENAME INBOX/between INBOX/b');
    });
    await inStep();
  },
  ['a', 'b'],
);

scenario(
  'mailbox_rename_long_chain',
  async ({ user, does, inStep }) => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await does(async (imap) => {
      for (const name of names) await append(imap, `INBOX/${name}`, 1, name, user);
    });
    await inStep();
    await does(async (imap) => {
      await imap.ok('RENAME INBOX/f INBOX/last');
      for (let index = names.length - 2; index >= 0; index--) {
        await imap.ok(`RENAME INBOX/${names[index]} INBOX/${names[index + 1]}`);
      }
      await imap.ok('RENAME INBOX/last INBOX/a');
    });
    await inStep();
  },
  ['a', 'b', 'c', 'd', 'e', 'f'],
);

scenario('full_rename', async ({ user, does, inStep }) => {
  await does((imap) => append(imap, 'INBOX', 2, 'there and back', user));
  await inStep();
  await scene.admin.ok(`RENAME user/${user} user/${user}away`);
  await inStep(`${user}away`);
  await scene.admin.ok(`RENAME user/${user}away user/${user}`);
  await inStep();
});

scenario(
  'rename_user_subscriptions',
  async ({ user, does, inStep }) => {
    await does(async (imap) => {
      await imap.ok('SUBSCRIBE INBOX');
      await imap.ok('SUBSCRIBE INBOX/Work');
    });
    await inStep();
    await scene.admin.ok(`RENAME user/${user} user/${user}new`);
    await inStep(`${user}new`);
    // The old name again, for somebody else.
    await scene.admin.ok(`CREATE user/${user}`);
    await inStep(user, `${user}new`);
  },
  ['Work'],
);

scenario('rename_user_sieve', async ({ user, inStep }) => {
  {
    await using sieve = await SieveClient.login(scene.pair.master, user);
    await sieve.put('rules', 'keep;\r\n');
    await sieve.activate('rules');
  }
  await inStep();
  await scene.admin.ok(`RENAME user/${user} user/${user}new`);
  await inStep(`${user}new`);
});

scenario('sieve_replication', async ({ user, inStep }) => {
  for (const [name, active] of [
    ['one', 'one'],
    ['two', 'two'],
    ['two', ''],
  ] as const) {
    await using sieve = await SieveClient.login(scene.pair.master, user);
    await sieve.put(name, `keep; # ${active}\r\n`);
    await sieve.activate(active);
    await inStep();
  }
  {
    await using sieve = await SieveClient.login(scene.pair.master, user);
    await sieve.delete('one');
  }
  await inStep();
});

scenario(
  'subscriptions',
  async ({ does, inStep }) => {
    await does(async (imap) => {
      await imap.ok('SUBSCRIBE INBOX/gone');
      await imap.ok('SUBSCRIBE INBOX');
      await imap.ok('DELETE INBOX/gone');
    });
    await inStep();
    await does((imap) => imap.ok('UNSUBSCRIBE INBOX'));
    await inStep();
  },
  ['gone'],
);

scenario('userprefix', async ({ user, does, inStep }) => {
  await scene.admin.ok(`CREATE user/${user}b`);
  await does((imap) => append(imap, 'INBOX', 1, 'prefix', user));
  await inStep(user, `${user}b`);
  await scene.admin.ok(`DELETE user/${user}`);
  await inStep(`${user}b`);
  assert.deepEqual(await scene.onReplica(`user/${user}`), []);
  assert.deepEqual(await scene.onReplica(`user/${user}b`), [`user/${user}b`]);
});

scenario('delete_longname', async ({ user, does, inStep }) => {
  const parts = Array.from({ length: 4 }, (_, index) => `${index}`.repeat(90));
  const name = `INBOX/${parts.join('/')}`;
  await does(async (imap) => {
    await imap.ok(`CREATE ${name}`);
    await append(imap, name, 1, 'long', user);
  });
  await inStep();
  await does((imap) => imap.ok(`DELETE ${name}`));
  await inStep();
});

scenario('shared_folder', async ({ inStep, user }) => {
  await scene.admin.ok('CREATE shared');
  await scene.admin.ok(`SETACL shared ${ADMIN} lrswipkxtecda`);
  await scene.admin.ok('CREATE shared/deep/er');
  await append(scene.admin, 'shared', 3, 'shared', 'everybody');
  await append(scene.admin, 'shared/deep/er', 1, 'shared', 'everybody');
  await inStep(user);
  const between = scene.pair.replica.programs.isAtLeast(3, 4) ? ['shared/deep'] : [];
  assert.deepEqual((await scene.onReplica('shared*')).sort(), ['shared', ...between, 'shared/deep/er']);
});

scenario('reset_on_master', async ({ user, does, inStep }) => {
  await does((imap) => append(imap, 'INBOX', 1, 'reset', user));
  await inStep();
  await scene.pair.master.runOk('sync_reset', ['-f', user]);
  for (const words of [
    ['-u', user],
    ['-m', `user.${user}`],
  ]) {
    await scene.pair.master.runOk('cyr_synclog', words);
  }
  await scene.client.settled();
  assert.doesNotMatch(scene.client.log, new RegExp(`'${user}'`), 'the gone user gave trouble');
});

test('after all of them the C client finds nothing to send, and nobody has had to be tried again', async () => {
  await scene.client.settled();
  // What 3.2 leaves of a script that is removed goes when the user is looked at next.
  await assertNothingLeft(scene.pair, /^APPLY UNSIEVE .*\.bc\)$/);
  assert.doesNotMatch(scene.client.log, /in quarantine/);
});
