import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import { formatLogLine, type LogLine } from '../../../src/rolling/log/log-line.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import { actionsOfLine } from '../../../src/rolling/queue/actions-of-line.ts';
import { Coalescer } from '../../../src/rolling/queue/coalescer.ts';
import { ownerBy } from '../../../src/rolling/queue/owner-by.ts';
import { linesOf } from '../../../src/rolling/queue/rolling-unit.ts';
import { assertSameMail } from '../../lab/assert-same-mail.ts';
import { giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { append, populate } from '../../lab/populate.ts';

const ownerOf = ownerBy({
  defaultdomain: '',
  deletedprefix: 'DELETED',
  unixhierarchysep: true,
  virtdomains: 'off',
});

test('the C client goes on from the log-run that is left: coalesced, joined with a later log, and complete', async () => {
  await using pair = await startPair({ master: { imapd: { sync_log: 'yes' } } });
  const { users } = await populate(pair.master, { users: 6 });
  const file = syncLogPath(pair.master.configDirectory, undefined);
  const log = new ChannelLog(file, () => {});
  const pending: LogLine[] = [];
  const bad: number[] = [];
  let read = 0;
  const take = async () => {
    const coalescer = new Coalescer(ownerOf);
    await log.take(
      () => pending,
      (parsed) => {
        read++;
        if (parsed.kind === 'line') coalescer.addTied(actionsOfLine(parsed.line));
        else bad.push(parsed.number);
      },
      () => {
        for (const unit of coalescer.units()) {
          for (const action of unit.actions) pending.push(...linesOf(action, ownerOf));
        }
      },
    );
  };

  await take();
  assert.ok(read > pending.length * 2, `${read} lines became ${pending.length}`);
  log.keep(pending);
  assert.equal(readFileSync(`${file}-run`, 'latin1'), pending.map(formatLogLine).join(''));

  const [user = ''] = users;
  await using client = await pair.master.imap(user);
  await append(client, 'INBOX', 2, 'later', user);
  await take();
  assert.ok(!existsSync(file));
  assert.deepEqual(bad, []);

  giveToCyrus(join(pair.master.configDirectory, 'sync'));
  if (pair.master.programs.isAtLeast(3, 4)) {
    await pair.master.runOk('sync_client', ['-R', '-1', '-v']);
    assert.ok(!existsSync(`${file}-run`));
  } else {
    // It has no -1, and leaves the file that it is given.
    await pair.master.runOk('sync_client', ['-r', '-f', `${file}-run`, '-v']);
  }
  await assertSameMail(pair.master, pair.replica, users);
});
