import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { leavingUntouched } from '../../lab/leaving-untouched.ts';
import type { ToolResult } from '../../lab/processes.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { openSides, type Sides } from '../../lab/two-sides.ts';

/** Changes to the names of one user's folders; each folder holds one message that says its first name. */
interface FolderCase {
  user: string;
  what: string;
  folders: string[];
  change(sides: Sides, folder: (name: string) => string): Promise<void>;
  /** Folders afterwards, each with the subjects of its messages. */
  expected: Record<string, string[]>;
  /** Name of the user afterwards, if it is another. */
  becomes?: string;
  stdout?: RegExp;
}

const CASES: readonly FolderCase[] = [
  {
    user: 'plain',
    what: 'a rename',
    folders: ['A'],
    change: ({ master }, folder) => rename(master, [folder('A'), folder('B')]),
    expected: { B: ['A'] },
    stdout: /^RENAME user\.plain\.A -> user\.plain\.B \(default\)$/m,
  },
  {
    user: 'moved',
    what: 'a move to another partition',
    folders: ['A'],
    change: async ({ master }, folder) => {
      await master.imap.ok(`RENAME ${folder('A')} ${folder('A')} second`);
    },
    expected: { A: ['A'] },
    stdout: /^RENAME user\.moved\.A -> user\.moved\.A \(second\)$/m,
  },
  {
    user: 'both',
    what: 'a rename and a move to another partition at once',
    folders: ['A'],
    change: async ({ master }, folder) => {
      await rename(master, [folder('A'), folder('B')]);
      await master.imap.ok(`RENAME ${folder('B')} ${folder('B')} second`);
    },
    expected: { B: ['A'] },
  },
  {
    user: 'chain',
    what: 'a chain of five renames',
    folders: ['A', 'B', 'C', 'D', 'E'],
    change: ({ master }, folder) =>
      rename(
        master,
        ...['E F', 'D E', 'C D', 'B C', 'A B'].map((pair) => pair.split(' ').map(folder) as [string, string]),
      ),
    expected: { B: ['A'], C: ['B'], D: ['C'], E: ['D'], F: ['E'] },
  },
  {
    user: 'swap',
    what: 'two folders that swap their names',
    folders: ['A', 'B'],
    change: ({ master }, folder) =>
      rename(master, [folder('A'), folder('T')], [folder('B'), folder('A')], [folder('T'), folder('B')]),
    expected: { A: ['B'], B: ['A'] },
  },
  {
    user: 'cycle',
    what: 'three folders that swap their names in a circle',
    folders: ['A', 'B', 'C'],
    change: ({ master }, folder) =>
      rename(
        master,
        ...['A T', 'C A', 'B C', 'T B'].map((pair) => pair.split(' ').map(folder) as [string, string]),
      ),
    expected: { A: ['C'], B: ['A'], C: ['B'] },
  },
  {
    user: 'nested',
    what: 'two folders with children that swap their names',
    folders: ['A', 'A/x', 'B', 'B/x'],
    change: ({ master }, folder) =>
      rename(master, [folder('A'), folder('T')], [folder('B'), folder('A')], [folder('T'), folder('B')]),
    expected: { A: ['B'], 'A/x': ['B/x'], B: ['A'], 'B/x': ['A/x'] },
  },
  {
    user: 'deleted',
    what: 'a delayed delete',
    folders: ['A'],
    change: async ({ master }, folder) => {
      await master.imap.ok(`DELETE ${folder('A')}`);
    },
    expected: {},
    stdout: /^RENAME user\.deleted\.A -> DELETED\.user\.deleted\.A\.[0-9A-F]{8} \(default\)$/m,
  },
  {
    user: 'reused',
    what: 'a name given to another mailbox after a delayed delete',
    folders: ['A'],
    change: async ({ master }, folder) => {
      await master.imap.ok(`DELETE ${folder('A')}`);
      await master.create(folder('A'), ['new']);
    },
    expected: { A: ['new'] },
  },
  {
    user: 'onto',
    what: 'a rename onto the name of a mailbox that was deleted',
    folders: ['A', 'B'],
    change: async ({ master }, folder) => {
      await master.imap.ok(`DELETE ${folder('B')}`);
      await rename(master, [folder('A'), folder('B')]);
    },
    expected: { B: ['A'] },
  },
  {
    user: 'unusedname',
    what: 'a rename onto a name under which the replica has an unused mailbox of its own',
    folders: ['A'],
    change: async ({ master, replica }, folder) => {
      await rename(master, [folder('A'), folder('B')]);
      await replica.create(folder('B'));
    },
    expected: { B: ['A'] },
  },
  {
    user: 'olduser',
    what: 'a whole user renamed',
    becomes: 'newuser',
    folders: ['A', 'A/x'],
    change: ({ master }) => rename(master, ['user/olduser', 'user/newuser']),
    expected: { A: ['A'], 'A/x': ['A/x'] },
  },
  {
    user: 'between',
    what: 'a rename into a hierarchy that comes into being with it',
    folders: ['A/x/y'],
    change: ({ master }, folder) => rename(master, [folder('A/x/y'), folder('B/x/y')]),
    // Up to 3.2 an intermediate stays one.
    expected: {
      ...(PROGRAMS.isAtLeast(3, 4) ? { A: [], 'A/x': [], B: [], 'B/x': [] } : {}),
      'B/x/y': ['A/x/y'],
    },
  },
];

let pair: Pair;
let sides: Sides;
let run: ToolResult;

before(async () => {
  const settings = { partitions: ['default', 'second'], imapd: { allowusermoves: 'yes' } };
  pair = await startPair({ both: settings });
  sides = await openSides(pair);
  for (const { user, folders } of CASES) {
    await sides.master.create(`user/${user}`);
    for (const folder of folders) await sides.master.create(`user/${user}/${folder}`, [folder]);
  }
  await syncClientOk(pair.master, ['-A']);
  for (const { user, change } of CASES) await change(sides, (name) => `user/${user}/${name}`);
  run = await leavingUntouched([sides.master], () => syncClient(pair.master, ['-A', '-v']));
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await pair?.stop();
});

test('one run brings all names to agreement and exits 0', () => {
  assert.equal(run.code, 0, run.stderr);
});

for (const { user, becomes, what, expected, stdout } of CASES) {
  test(`${what} arrives`, async () => {
    assert.deepEqual(await foldersOf(sides.replica, becomes ?? user), expected);
    assert.deepEqual(await foldersOf(sides.master, becomes ?? user), expected);
    if (stdout) assert.match(run.stdout, stdout);
  });
}

test('nothing is left of the name that a renamed user had', async () => {
  assert.deepEqual(await sides.replica.imap.ok('LIST "" "user/olduser*"'), []);
});

test('a user gone from the master: -u takes the mailboxes where they went, and then the rest', async () => {
  const { master, replica } = sides;
  await master.create('user/gone', ['inbox']);
  await master.create('user/gone/A', ['A']);
  await syncClientOk(pair.master, ['-u', 'gone']);
  await replica.imap.ok('SETQUOTA user/gone (STORAGE 1000)');
  await master.imap.ok('DELETE user/gone');
  const gone = await syncClientOk(pair.master, ['-v', '-u', 'gone']);
  assert.match(gone.stdout, /^Does not exist locally gone$/m);
  assert.deepEqual(await replica.imap.ok('LIST "" "user/gone*"'), []);
  assert.equal((await replica.imap.command('GETQUOTA user/gone')).status, 'NO');
  const again = await syncClientOk(pair.master, ['-v', '-u', 'gone']);
  assert.doesNotMatch(again.stdout, /RENAME|UNMAILBOX/);
});

test('both ends are the same over IMAP', async () => {
  await assertSameMail(
    pair.master,
    pair.replica,
    CASES.map(({ user, becomes }) => becomes ?? user),
    { expunged: 'left out' },
  );
});

test('the C client finds nothing left to send', async () => {
  await assertNothingLeft(pair);
});

async function rename(side: Sides['master'], ...names: readonly [string, string][]): Promise<void> {
  for (const [from, to] of names) await side.imap.ok(`RENAME ${from} ${to}`);
}

async function foldersOf(side: Sides['master'], user: string): Promise<Record<string, string[]>> {
  const prefix = `user/${user}/`;
  const found: Record<string, string[]> = {};
  for (const [, attributes, , name] of await side.imap.ok(`LIST "" "${prefix}*"`)) {
    if (/NonExistent|Noselect/i.test(JSON.stringify(attributes))) continue;
    const messages = await side.messages(String(name));
    found[String(name).slice(prefix.length)] = messages.map((message) => message.replace(/^\d+ /, ''));
  }
  return found;
}
