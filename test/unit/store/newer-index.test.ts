import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { storeLayout } from '../../../src/cli/run-plan/store-layout.ts';
import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import type { LockedMailbox } from '../../../src/store/master-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { EngineScene } from '../../lab/engine-scene.ts';
import { replicateAll, storeServedBy } from '../../lab/store-served-by.ts';
import { unpackFixture } from '../../lab/unpack-fixture.ts';

const INBOX = 'user.anna';
const MINOR_VERSION_AT = 8;
const FAR_NEWER = 99;

test('a mailbox whose index is newer than what is read here is read from the server behind the files', async () => {
  await using fixture = await unpackFixture();
  await using scene = await EngineScene.start();
  const layout = storeLayout(readImapdConfig(fixture.configFile));
  const files = openMasterStore(layout);
  await replicateAll(scene, files);
  const before = await files.readMailbox(INBOX, contentOf);
  const uniqueid = files.lookup(INBOX)?.uniqueid ?? '';
  files.close();

  for (const path of indexFilesOf(fixture.partition, uniqueid)) {
    const octets = readFileSync(path);
    octets.writeUInt32BE(FAR_NEWER, MINOR_VERSION_AT);
    writeFileSync(path, octets);
  }
  const alone = openMasterStore(layout);
  await assert.rejects(alone.readMailbox(INBOX, contentOf), {
    code: 'INDEX_VERSION_UNKNOWN',
    message: /index version 99 is not known/,
  });
  alone.close();
  const withServer = openMasterStore(layout, storeServedBy(scene));
  assert.deepEqual(await withServer.readMailbox(INBOX, contentOf), before);
  withServer.close();
});

function contentOf(mailbox: LockedMailbox) {
  const { entry, state, annotations } = mailbox;
  const records = [...mailbox.pages()].flatMap((page) =>
    Array.from({ length: page.count }, (_, i) => ({ ...page.record(i), unlinked: false, archived: false })),
  );
  const { uniqueid, partition, acl } = entry;
  const { lastUid, highestmodseq, crcBasic, crcAnnotations, exists } = state;
  return {
    uniqueid,
    partition,
    acl,
    lastUid,
    highestmodseq,
    crcBasic,
    crcAnnotations,
    exists,
    annotations,
    records,
  };
}

function indexFilesOf(partition: string, uniqueid: string): string[] {
  const found = readdirSync(partition, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(`${uniqueid}/cyrus.index`))
    .map((path) => join(partition, path));
  assert.equal(found.length, 1);
  return found;
}
