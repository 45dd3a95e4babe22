import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import type { MasterStore, OpenMailbox } from '../../src/store/master-store.ts';
import { openMasterStore } from '../../src/store/open-master-store.ts';
import { annotationCrc, basicCrc } from '../../src/store/sync-crc.ts';
import { type CyrusServer, type ServerOptions, startPair } from '../support/cyrus-server.ts';
import { populate } from '../support/populate.ts';
import { handOverLocks, layoutOf } from './layout-of.ts';
import { mailboxLine } from './mailbox-line.ts';
import { allRecords } from './records.ts';

interface Kind {
  what: string;
  options: ServerOptions;
  /** Between filling and reading. */
  prepare?: (master: CyrusServer) => Promise<void>;
}

const archiveEverything = async (master: CyrusServer): Promise<void> => {
  await master.runOk('cyr_expire', ['-A', '0s', '-E', '0']);
};

const removeExpunged = async (master: CyrusServer): Promise<void> => {
  await master.runOk('cyr_expire', ['-E', '1', '-X', '0']);
};

const KINDS: readonly Kind[] = [
  { what: 'the defaults', options: { imapd: { conversations: 'yes' } } },
  { what: 'no conversations, and expunged messages removed', options: {}, prepare: removeExpunged },
  {
    what: 'domains, full hashing and meta directories',
    options: {
      imapd: { virtdomains: 'userid', hashimapspool: 'yes', fulldirhash: 'yes', conversations: 'yes' },
      metapartitionFiles: 'header index cache expunge squat annotations',
    },
  },
  {
    what: 'directories by name, hashed, with domains, meta and archive directories',
    options: {
      imapd: {
        virtdomains: 'userid',
        hashimapspool: 'yes',
        mailbox_legacy_dirs: 'yes',
        conversations: 'yes',
        reverseacls: 'yes',
      },
      metapartitionFiles: 'header index',
      archive: true,
    },
    prepare: archiveEverything,
  },
  {
    what: 'directories by name, not hashed, dots as separators',
    options: { imapd: { mailbox_legacy_dirs: 'yes', unixhierarchysep: 'no', fulldirhash: 'yes' } },
  },
  {
    what: 'archive directories by uniqueid',
    options: { imapd: { hashimapspool: 'yes' }, archive: true },
    prepare: archiveEverything,
  },
];

for (const { what, options, prepare } of KINDS) {
  test(`a first copy can be rebuilt from disk, octet for octet, with ${what}`, async () => {
    await using pair = await startPair({ both: options });
    await populate(pair.master, { users: 6 });
    await prepare?.(pair.master);
    const lines = await readEverything(openMasterStore(layoutOf(pair.master)));
    handOverLocks(pair.master);
    await assertSameLines(pair.master, lines);
  });
}

async function assertSameLines(master: CyrusServer, lines: ReadonlyMap<string, string>): Promise<void> {
  const run = await master.run('sync_client', ['-v', '-v', '-o', '-A']);
  assert.equal(run.code, 0, run.stderr.slice(-2000));
  const traffic = Buffer.from(run.stderr, 'utf8')
    .toString('latin1')
    .replace(/[<>]\d{9,11}[<>]/g, '');
  const sent = traffic.split('APPLY MAILBOX ').slice(1);
  for (const line of lines.values()) {
    const uniqueid = /^%\(UNIQUEID \S+ /.exec(line)?.[0] ?? 'no uniqueid';
    const found = sent.find((each) => each.startsWith(uniqueid));
    assert.equal(found?.slice(0, line.length), line);
  }
  assert.equal(sent.length, lines.size, 'the C client sent another number of mailboxes');
}

async function readEverything(store: MasterStore): Promise<Map<string, string>> {
  const lines = new Map<string, string>();
  const read = async (name: string): Promise<void> => {
    using mailbox = await store.openMailbox(name);
    if (mailbox === undefined) return;
    lines.set(name, mailboxLine(mailbox));
    assertCrcs(mailbox);
    assertMessages(mailbox);
  };
  for (const each of store.enumerate()) {
    if (each.kind === 'shared') await read(each.name);
    else for (const entry of store.mailboxesOf(each.userid)) await read(entry.name);
  }
  assert.ok(lines.size > 40, `only ${lines.size} mailboxes found`);
  return lines;
}

function assertCrcs(mailbox: OpenMailbox): void {
  const records = allRecords(mailbox);
  const { indexVersion, crcBasic, crcAnnotations } = mailbox.state;
  assert.deepEqual(
    [basicCrc(records), annotationCrc(records, indexVersion)],
    [crcBasic, crcAnnotations],
    `CRCs of ${mailbox.entry.name}`,
  );
}

function assertMessages(mailbox: OpenMailbox): void {
  for (const record of allRecords(mailbox)) {
    if (record.unlinked) continue;
    const content = readFileSync(mailbox.messagePath(record));
    assert.equal(content.length, record.size);
    assert.equal(createHash('sha1').update(content).digest('hex'), record.guid);
  }
}
