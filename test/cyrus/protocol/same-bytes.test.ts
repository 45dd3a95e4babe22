import assert from 'node:assert/strict';
import test from 'node:test';
import { FLAG } from '../../../src/grammar.ts';
import { encodeValue } from '../../../src/protocol/dlist/encoders.ts';
import type { DlistMap, DlistValue } from '../../../src/protocol/dlist/value.ts';
import type { WireMailbox } from '../../../src/protocol/replica-session.ts';
import {
  optionalNumber,
  requireList,
  requireMap,
  stringItems,
} from '../../../src/protocol/session/fields.ts';
import { decodeMailbox, encodeMailbox } from '../../../src/protocol/session/mailbox-lines.ts';
import { MODSEQ, WORD } from '../../../src/protocol/session/ranges.ts';
import { decodeRecord } from '../../../src/protocol/session/records.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { CyrusServer, startPair } from '../../lab/cyrus-server.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { mailboxOf, populate } from '../../lab/populate.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { Side } from '../../lab/two-sides.ts';
import { Recorder, type Sent } from './recorder.ts';

/*
 * Contract: what the C client sends for a store with something of everything is read, and written again octet for octet
 * the same; and what this program sends for a mailbox is what the C client of the same version sends, wherever it reads it.
 */

test('the C client’s commands are read and written again without a difference', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 6 });
  const recorder = new Recorder();
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, recorder);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
  await pair.master.runOk('sync_client', ['-u', ...users]);

  const seen = new Map<string, number>();
  for (const { name, value, octets } of recorder.take()) {
    seen.set(name, (seen.get(name) ?? 0) + 1);
    const again =
      name === 'MAILBOX' ? mailboxAgain(requireMap(value, name)) : `${name} ${encodeValue(value)}`;
    assert.equal(again, octets);
  }
  for (const name of ['MAILBOX', 'MESSAGE', 'SUB', 'SEEN', 'QUOTA']) {
    assert.ok(seen.has(name), `the C client sent no ${name}: ${JSON.stringify([...seen])}`);
  }
});

/** 3.12 keeps groups of users, if it is told to, and tells them. */
const GROUPS = PROGRAMS.isAtLeast(3, 12) ? { auth_mech: 'mboxgroups' } : {};

test('MAILBOX commands are the C client’s octet for octet, in a first copy and after changes', async () => {
  const both = { imapd: { conversations: 'yes', reverseacls: 'yes', ...GROUPS } };
  await using pair = await startPair({ both });
  await using second = await CyrusServer.start('second', both);
  const { users } = await populate(pair.master, { users: 6 });
  await using side = await Side.open(pair.master);
  const [user = '', other = ''] = users;
  const [inbox, work] = [mailboxOf(pair.master, user), mailboxOf(pair.master, user, ['Work'])];
  for (const mailbox of [inbox, work]) await side.imap.ok(`SETACL ${mailbox} admin lrswipkxtecdan`);
  if ('auth_mech' in GROUPS) {
    for (const group of ['staff', 'team lead']) await side.imap.ok(`SETUSERGROUP ${user} "group:${group}"`);
  }
  const recorder = new Recorder();
  await using ours = await ScriptedProxy.start(pair.replica.syncPort, recorder);
  await using theirs = await ScriptedProxy.start(second.syncPort, recorder);
  const sentBy = async (proxy: ScriptedProxy, run: () => Promise<unknown>): Promise<Map<string, string>> => {
    pair.master.configure('sync_port', String(proxy.port));
    await pair.master.writeConfiguration();
    await run();
    return mailboxLines(recorder.take());
  };
  const assertAlike = async (atLeast: number): Promise<void> => {
    const mine = await sentBy(ours, () => syncClientOk(pair.master, ['-A']));
    const expected = await sentBy(theirs, () => pair.master.runOk('sync_client', ['-A']));
    assert.ok(expected.size >= atLeast, `the C client sent only ${[...expected.keys()]}`);
    assert.deepEqual([...mine.keys()].sort(), [...expected.keys()].sort());
    for (const [name, octets] of expected) assert.equal(mine.get(name), octets);
  };
  await assertAlike(30);

  await side.append(inbox, 'new');
  await side.flag(inbox, 2, '\\Flagged', 'Kept');
  await side.within(inbox, 'UID STORE 3 +FLAGS (Former)', 'UID STORE 3 -FLAGS (Former)');
  await side.expunge(work, 1);
  await side.imap.ok(`SETMETADATA ${work} (/shared/comment "words")`);
  await side.imap.ok(`SETACL ${mailboxOf(pair.master, other)} ${user} lrs`);
  await side.create(mailboxOf(pair.master, other, ['Made']), ['one']);
  await side.imap.ok(`RENAME ${work} ${mailboxOf(pair.master, user, ['Moved'])}`);
  if ('auth_mech' in GROUPS) await side.imap.ok(`UNSETUSERGROUP ${user} group:staff`);
  await assertAlike(5);
});

test('MAILBOX commands are the same whether the master is read from disk or asked, over either service', async (t) => {
  const why = 'a master is asked from 3.6 on';
  if (PROGRAMS.areBefore(3, 6, t, why)) return;
  const both = { imapd: { conversations: 'yes', ...GROUPS } };
  await using pair = await startPair({ both });
  const { users } = await populate(pair.master, { users: 6 });
  const recorder = new Recorder();
  const lines: Map<string, string>[] = [];
  // Who has no scripts gets an empty #sieve when a server is asked first.
  for (const over of ['csync', undefined, 'imap'] as const) {
    await using replica = await CyrusServer.start('other', both);
    await using proxy = await ScriptedProxy.start(replica.syncPort, recorder);
    const port = { sync_port: String(proxy.port) };
    if (over === undefined) {
      pair.master.configure('sync_port', port.sync_port);
      await pair.master.writeConfiguration();
      await syncClientOk(pair.master, ['-u', ...users]);
    } else {
      await using stranger = await openStranger(pair.master, replica, { over, imapd: port });
      await stranger.runOk(['-u', ...users]);
    }
    lines.push(mailboxLines(recorder.take()));
  }
  const [overCsync = new Map(), fromDisk = new Map(), overImap = new Map()] = lines;
  assert.ok(fromDisk.size > 30, `only ${[...fromDisk.keys()]}`);
  for (const asked of [overCsync, overImap]) {
    assert.deepEqual([...asked.keys()].sort(), [...fromDisk.keys()].sort());
    for (const [name, octets] of fromDisk) assert.equal(asked.get(name), octets);
  }
});

/**
 * By name of the mailbox. Whether the replica has a partition is asked by sending the first mailbox of it empty, which
 * would end a server that is sent messages for one that it lacks.
 */
function mailboxLines(sent: readonly Sent[]): Map<string, string> {
  const lines = new Map<string, string>();
  for (const { name, value, octets } of sent) {
    if (name !== 'MAILBOX') continue;
    const mailbox = String(requireMap(value, name).get('MBOXNAME'));
    assert.match(
      lines.get(mailbox) ?? '',
      /^$|^MAILBOX [^%]*%\([^%]* SYNC_CRC 0 .* RECORD \(\)\)$/,
      `${mailbox} was sent twice`,
    );
    lines.set(mailbox, octets);
  }
  return lines;
}

/** A MAILBOX through the types of the contract and back. */
function mailboxAgain(map: DlistMap): string {
  const has = (key: string): boolean => map.has(key);
  const intermediate = !has('RECORD');
  // An intermediate mailbox is sent without most of what an answer must have.
  const padded: DlistMap = intermediate ? new Map([...FILLER, ...map]) : map;
  const mailbox: WireMailbox = {
    ...decodeMailbox(padded, { takesGroups: has('USERGROUPS') }),
    crcAnnotations: has('SYNC_CRC_ANNOT') ? optionalNumber(map, 'SYNC_CRC_ANNOT', WORD) : undefined,
    since: has('SINCE_MODSEQ')
      ? {
          modseq: optionalNumber(map, 'SINCE_MODSEQ', MODSEQ),
          crcBasic: optionalNumber(map, 'SINCE_CRC', WORD),
          crcAnnotations: optionalNumber(map, 'SINCE_CRC_ANNOT', WORD),
        }
      : undefined,
    keywords: has('USERFLAGS')
      ? stringItems(requireList(map.get('USERFLAGS'), 'USERFLAGS'), 'USERFLAGS', FLAG)
      : undefined,
    intermediate,
    local: false,
  };
  const records = intermediate ? [] : requireList(map.get('RECORD'), 'RECORD').map(decodeRecord);
  return [...encodeMailbox(mailbox, records)].join('');
}

const FILLER: [string, DlistValue][] = [
  ['LAST_UID', '0'],
  ['RECENTUID', '0'],
  ['RECENTTIME', '0'],
  ['POP3_LAST_LOGIN', '0'],
  ['UIDVALIDITY', '0'],
  ['PARTITION', null],
  ['ACL', null],
  ['OPTIONS', ''],
];
