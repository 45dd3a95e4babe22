import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import { intermediateLine } from '../../src/replicate/compare/mailbox-line.ts';
import { ADMIN, type CyrusServer, PASSWORD } from './cyrus-server.ts';
import { entry } from './engine-fakes.ts';
import { settingsFor } from './settings.ts';

/** imapd 3.6 makes none, upgraded stores have them: the master's own sync_server is told of one. */
export async function makeIntermediate(master: CyrusServer, name: string): Promise<void> {
  const session = await connectReplica(
    settingsFor(`127.0.0.1:${master.syncPort}`, { tryImap: false, authname: ADMIN, password: PASSWORD }),
  );
  const row = entry(name, { uniqueid: 'gap0123456789abcdefghijk', type: 'ei', intermediate: true });
  await session.applyMailbox(intermediateLine({ ...row, createdmodseq: 50, foldermodseq: 50 }, false), []);
  await session.exit();
}
