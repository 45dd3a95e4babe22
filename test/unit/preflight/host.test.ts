import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkAccount } from '../../../src/preflight/check-account.ts';
import { checkClock } from '../../../src/preflight/check-clock.ts';
import { checkMailboxes } from '../../../src/preflight/check-mailboxes.ts';
import { checkSpace } from '../../../src/preflight/check-space.ts';
import { checkSyncLog } from '../../../src/preflight/check-sync-log.ts';
import type { Finding } from '../../../src/preflight/finding.ts';
import { surveyStore } from '../../../src/preflight/survey-store.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import { MemoryStore } from '../../lab/memory-store.ts';
import { plainLayout } from '../../lab/plain-layout.ts';

/* Contract: what a check says of this host is right where something is amiss, which a sound pair of servers never shows. */

const directory = mkdtempSync(join(tmpdir(), 'preflight-'));
after(() => rmSync(directory, { recursive: true }));

const HOUR_MS = 3_600_000;
const layout = { ...plainLayout(directory), lockPath: join(directory, 'lock') };
const short = (findings: readonly Finding[]): string[] =>
  findings.map(({ check, verdict, text }) => `${verdict} ${check}: ${text}`);

test('a replica with something dated ahead of this clock is told of', () => {
  const now = 1_800_000_000_000;
  const dated = (seconds: number) => ({ recenttime: 0, lastAppenddate: now / 1_000 + seconds });
  const words = (...seconds: number[]): string[] =>
    checkClock(seconds.map(dated) as unknown as Parameters<typeof checkClock>[0], now).map(
      ({ verdict, text }) => `${verdict} ${text}`,
    );
  assert.match(words(-60, 900)[0] ?? '', /^warning .*changed 900 seconds from now/);
  assert.match(words(-60, 100)[0] ?? '', /^ok nothing there is dated ahead/);
  assert.match(words()[0] ?? '', /^ok nothing there bears a date/);
});

test('little space, or few inodes, is told once for each file system', () => {
  const disk = { type: 1, bsize: 4_096, blocks: 1_000_000, bavail: 500_000, files: 1_000, ffree: 900 };
  const said = (free: Partial<typeof disk>): string[] =>
    short(checkSpace({ layout }, () => ({ ...disk, ...free })));
  assert.deepEqual(said({}), [`ok space: 2.0 GB free (50 %), 900 inodes at ${directory}/conf`]);
  assert.match(said({ bavail: 5_000 })[0] ?? '', /^warning space: 0\.0 GB free \(1 %\)/);
  assert.match(said({ ffree: 2 })[0] ?? '', /^warning space: 2\.0 GB free \(50 %\), 2 inodes/);
  assert.match(said({ files: 0, ffree: 0 })[0] ?? '', /^ok space: .*inodes without limit/);
});

test('a sync log that nobody has taken for long is told of with its size, one that is on and empty is not', () => {
  const logPath = join(directory, 'log');
  const remark = { text: 'sync_log is off', hint: 'set it' };
  const said = (ageMs: number, logRemarks: readonly (typeof remark)[] = []): string[] =>
    short(checkSyncLog({ logRemarks, logPath, now: Date.now() + ageMs }));
  assert.match(said(0)[0] ?? '', /^ok sync log: on, and nothing is waiting/);
  assert.deepEqual(said(0, [remark]), ['warning sync log: sync_log is off']);
  writeFileSync(`${logPath}-run`, '');
  assert.match(said(3 * HOUR_MS)[0] ?? '', /^ok sync log: .*log-run: 0 octets/);
  writeFileSync(logPath, 'MAILBOX user.anna\n');
  assert.match(said(3 * HOUR_MS)[0] ?? '', /^warning sync log: .*log: 18 octets, begun 180 minutes ago$/);
  assert.match(said(0)[0] ?? '', /^ok sync log: .*log: 18 octets, begun 0 minutes ago$/);
});

test('what of the store is not there for this account is a problem each, but the locks that nobody has taken yet', () => {
  const found = short(checkAccount({ layout }));
  assert.ok(
    found.some((line) => /^problem account: .*mailboxes\.db cannot be read by .* \(ENOENT\)$/.test(line)),
  );
  assert.ok(
    found.every((line) => !line.includes('/lock ')),
    found.join('\n'),
  );
  writeFileSync(layout.lockPath, '');
  chmodSync(layout.lockPath, 0o600);
  assert.ok(short(checkAccount({ layout })).some((line) => /lock cannot be written, as locks/.test(line)));
});

test('types, a partition that the configuration lacks and an index version that nobody has tried are told', async () => {
  const store = new MemoryStore();
  store.addUser('anna', ['Sent']);
  store.put('user.anna.Calendar', { entry: { type: 'c' }, state: { indexVersion: 15 } });
  const survey = await surveyStore(store);
  const said = short(
    await checkMailboxes({
      store,
      survey,
      layout: { ...layout, partitions: new Map() },
      spellMailbox: asItIs,
    }),
  );
  assert.match(said[0] ?? '', /^ok mailboxes: 1 users, 3 mailboxes \(2 mail, 1 calendar\)/);
  assert.match(
    said[1] ?? '',
    /^problem mailboxes: 3 mailboxes are on partition .*, which imapd\.conf does not have$/,
  );
  assert.match(said[2] ?? '', /^warning index versions: of 3 mailboxes looked at: 15 \(1\), 17 \(2\)$/);
});
