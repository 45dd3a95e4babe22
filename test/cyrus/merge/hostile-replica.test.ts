import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { leavingUntouched } from '../../lab/leaving-untouched.ts';
import { Liar, type Lie } from '../../lab/liar.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';
import { BASE, openSides, type Sides } from '../../lab/two-sides.ts';

/**
 * A replica that answers what no Cyrus server would, in the middle of a merge, in which what it says goes to the
 * master's own server. Nobody's mail on the master may change, and the run says what was wrong with the answer.
 */
let pair: Pair;
let sides: Sides;
let proxy: ScriptedProxy;
const liar = new Liar();

before(async () => {
  pair = await startPair();
  proxy = await ScriptedProxy.start(pair.replica.syncPort, liar);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
  sides = await openSides(pair);
  for (const user of ['anna', 'bob']) await sides.master.create(`user/${user}`, BASE);
  await syncClientOk(pair.master, ['-A']);
  await sides.master.append('user/anna', 'only-here');
  await sides.replica.append('user/anna', 'only-there');
  await sides.replica.flag('user/anna', 1, '\\Flagged');
});

after(async () => {
  await sides?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await pair?.stop();
});

const FLAG = `X) INTERNALDATE 1 SIZE 1 GUID ${'0'.repeat(40)})))\r\nAPPLY UNUSER bob\r\nNOOP (`;
const GUID = `${'0'.repeat(40)}))\r\nAPPLY UNUSER bob\r\nNOOP (`;

/** Only in the answer that holds records. */
function inRecords(lie: Lie): Lie {
  return (answer) => (answer.includes(' RECORD (') ? lie(answer) : answer);
}

function literal(octets: string): string {
  return `{${octets.length}}\r\n${octets}`;
}

const LIES: [what: string, named: RegExp, lie: Lie][] = [
  [
    'a flag that holds commands',
    /\bFLAGS\b/,
    (answer) => answer.replace(/FLAGS \(/g, `FLAGS (${literal(FLAG)} `),
  ],
  [
    'a GUID that holds commands',
    /\bGUID\b/,
    (answer) => answer.replace(/ GUID [0-9a-f]{40}/g, ` GUID ${literal(GUID)}`),
  ],
  ['UID 0', /\bUID\b/, (answer) => answer.replace('(UID 1 ', '(UID 0 ')],
  ['a UID beyond 32 bits', /\bUID\b/, (answer) => answer.replace('(UID 4 ', '(UID 4294967297 ')],
  ['two records of one UID', /\bUID/, (answer) => answer.replace('(UID 2 ', '(UID 1 ')],
  ['records out of order', /\bUID/, (answer) => answer.replace('(UID 2 ', '(UID 3 ')],
  [
    'a LAST_UID beyond 32 bits',
    /LAST_UID/,
    (answer) => answer.replace(/LAST_UID \d+/, 'LAST_UID 8589934592'),
  ],
];

/** Within their ranges, and taken over by a merge there would be no way back for the master. */
const JUMPS: [what: string, named: RegExp, lie: Lie][] = [
  [
    'a UIDVALIDITY of the year 2106',
    /UIDVALIDITY 4294967295/,
    (answer) => answer.replace(/UIDVALIDITY \d+/, 'UIDVALIDITY 4294967295'),
  ],
  [
    'a HIGHESTMODSEQ without a next',
    /HIGHESTMODSEQ 9007199254740991/,
    (answer) => answer.replace(/HIGHESTMODSEQ \d+/, 'HIGHESTMODSEQ 9007199254740991'),
  ],
  [
    'a LAST_UID without a next',
    /LAST_UID 4294967295/,
    (answer) => answer.replace(/LAST_UID \d+/, 'LAST_UID 4294967295'),
  ],
  [
    'a createdmodseq of messages without a next',
    /createdmodseq of message \d+ is 9007199254740991/,
    (answer) => answer.replace(/(createdmodseq USERID "" MODSEQ \d+ VALUE) \d+/g, '$1 9007199254740991'),
  ],
];

for (const [what, named, lie] of [...LIES, ...JUMPS]) {
  test(`${what}, from the replica: the master's mail stays as it is, and the run names the field`, async () => {
    liar.lie = inRecords(lie);
    const run = await leavingUntouched([sides.master], () => syncClient(pair.master, ['-A']));
    assert.equal(run.code, 1, run.stderr);
    assert.match(run.stderr, named);
    assert.match(run.stderr, /anna/);
  });
}

/** In no answer before the one that holds records, nor in that. */
function onceRecordsWereSent(lie: Lie): Lie {
  let sent = false;
  return (answer) => {
    if (sent) return lie(answer);
    sent = answer.includes(' RECORD (');
    return answer;
  };
}

test('a FOLDERMODSEQ without a next, once records were sent: the master stays as it is, and the run names the field', async () => {
  // Annotations that differ make the replica count, and the merge ask for what it has counted.
  await sides.master.imap.ok('SETMETADATA user/anna (/shared/comment "x")');
  liar.lie = onceRecordsWereSent((answer) =>
    answer.replace(/FOLDERMODSEQ \d+/g, 'FOLDERMODSEQ 9007199254740991'),
  );
  const run = await leavingUntouched([sides.master], () => syncClient(pair.master, ['-A']));
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /FOLDERMODSEQ 9007199254740991.*the master was not changed/);
});

test('somebody else among what the replica has of a user: nothing of theirs is touched, under -O neither', async () => {
  // As the server sends it, under bob's name.
  const copied = /\* MAILBOX %\([^\r\n]*MBOXNAME user\.anna [^\r\n]*\r\n/;
  liar.lie = (answer) =>
    answer.replace(copied, (line) => {
      const other = line.replace(/UNIQUEID \S+/, 'UNIQUEID unknown').replace('user.anna ', 'user.bob ');
      return line + other;
    });
  const before = liar.heard.length;
  const run = await leavingUntouched([sides.master, sides.replica], () =>
    syncClient(pair.master, ['-O', '-u', 'anna']),
  );
  assert.equal(run.code, 1, run.stderr);
  assert.match(run.stderr, /user\/bob/);
  assert.doesNotMatch(liar.heard.slice(before), /UNMAILBOX|UNUSER|RENAME/);
});

test('by a replica that tells the truth, both sides are merged', async () => {
  pair.master.configure('sync_port', String(pair.replica.syncPort));
  await pair.master.writeConfiguration();
  await syncClientOk(pair.master, ['-A']);
  const merged = await sides.master.messages('user/anna');
  assert.equal(merged.filter((line) => /only-(?:here|there)/.test(line)).length, 2, merged.join('\n'));
  assert.deepEqual(await sides.replica.messages('user/anna'), merged);
  await assertNothingLeft(pair);
});
