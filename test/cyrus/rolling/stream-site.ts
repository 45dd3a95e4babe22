import { after, before, type TestContext } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import type { RollingClient } from '../../lab/rolling-client.ts';
import { ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { Shears } from '../../lab/shears.ts';

/** How long the steady stream lasts; the others, in which more happens, half of it. */
export const SECONDS = Number(process.env.CYRUS_SYNC_TEST_SECONDS ?? 60);
export const HALF_MS = (SECONDS * 1000) / 2;
/** Where users are many only for the comparison to last. */
export const FEWER_USERS = 20;
export const SEED = process.env.CYRUS_SYNC_TEST_SEED ?? 'a';
/**
 * Lines of the log on a merge. Only the master is changed here, so that each is worth a look; but Cyrus 3.6.1 renames the
 * private annotations of a renamed user without their part of the stored checksum, and merges of those come of that.
 */
const MERGE =
  /full update|inefficient replication|guid mismatch|more recent on replica|only exists on replica/;

/** A pair whose link can be cut in the middle of a command: as soon as so many octets have passed. */
interface StreamSite {
  readonly pair: Pair;
  readonly proxy: ScriptedProxy;
  readonly shears: Shears;
}

/** Starts a site before the tests of a file, and stops it after them. */
export function streamSite(): () => StreamSite {
  let pair: Pair;
  let proxy: ScriptedProxy;
  const shears = new Shears();

  before(async () => {
    pair = await startPair({
      both: { imapd: { allowusermoves: 'yes' } },
      master: { imapd: { sync_log: 'yes', sync_reconnect_maxwait: '1' } },
    });
    proxy = await ScriptedProxy.start(pair.replica.syncPort, shears);
    pair.master.configure('sync_port', String(proxy.port));
    await pair.master.writeConfiguration();
  });

  after(async () => {
    await pair?.stop();
    await proxy?.[Symbol.asyncDispose]();
  });

  return () => ({ pair, proxy, shears });
}

export function tellMerges(t: TestContext, client: RollingClient): void {
  for (const line of client.log.split('\n')) if (MERGE.test(line)) t.diagnostic(line);
}
