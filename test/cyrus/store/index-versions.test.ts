import assert from 'node:assert/strict';
import test from 'node:test';
import { annotationCrc, basicCrc } from '../../../src/store/mailbox/checksums.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import type { CyrusPrograms } from '../../lab/cyrus-programs.ts';
import { CyrusServer } from '../../lab/cyrus-server.ts';
import { handOverLocks, layoutOf } from '../../lab/layout-of.ts';
import { populate } from '../../lab/populate.ts';
import { allRecords } from './all-records.ts';

/** Fields of every version, and annotations that are no fields of it. */
function everlasting(record: IndexRecord): object {
  const { uid, modseq, flags, internaldate, size, guid } = record;
  const comments = record.annotations.filter(({ entry }) => !entry.startsWith('/vendor/'));
  return { uid, modseq, flags, internaldate, size, guid, comments };
}

function newestVersion(programs: CyrusPrograms): number {
  if (programs.isAtLeast(3, 10)) return 19;
  return programs.isAtLeast(3, 4) ? 17 : 16;
}

test('index versions from the newest down to 12 say the same, and their CRCs can be recomputed', async () => {
  await using server = await CyrusServer.start('versions', { imapd: { conversations: 'yes' } });
  await populate(server, { users: 6 });
  const store = openMasterStore(layoutOf(server));
  const names = store
    .mailboxesOf('anna')
    .filter(({ intermediate }) => !intermediate)
    .map(({ name }) => name);
  const read = async (version: number): Promise<object[]> => {
    const mailboxes: object[] = [];
    for (const name of names) {
      const found = await store.readMailbox(name, (mailbox) => ({
        state: mailbox.state,
        records: allRecords(mailbox),
      }));
      assert.ok(found, name);
      const { state, records } = found;
      const { indexVersion, crcBasic, crcAnnotations } = state;
      assert.equal(indexVersion, version);
      assert.equal(basicCrc(records), crcBasic, `basic CRC of ${name} at version ${version}`);
      // Version 12 has no room for it: 0, which matches anything.
      const expected = version === 12 ? 0 : annotationCrc(records, version);
      assert.equal(crcAnnotations, expected, `annotation CRC of ${name} at version ${version}`);
      const { exists, lastUid, uidvalidity, options } = state;
      mailboxes.push({ name, exists, lastUid, uidvalidity, options, records: records.map(everlasting) });
    }
    return mailboxes;
  };
  const current = newestVersion(server.programs);
  const newest = await read(current);
  assert.ok(JSON.stringify(newest).includes('Project-X'));
  for (let version = Math.min(current - 1, 17); version >= 12; version--) {
    handOverLocks(server);
    await server.runOk('reconstruct', ['-V', String(version), '-r', 'user/anna']);
    await server.runOk('reconstruct', ['-V', String(version), '-r', 'DELETED/user/anna']);
    assert.deepEqual(await read(version), newest, `version ${version}`);
  }
});
