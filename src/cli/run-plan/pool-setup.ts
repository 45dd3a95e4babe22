import { type ByteString, bytesFromText } from '../../byte-string.ts';
import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';
import type { PoolSetup } from '../../coordinator/pool/messages.ts';
import { syncLogPath } from '../../rolling/log/sync-log.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { connectionSettings } from './connection-settings.ts';
import { fromServer } from './from-server.ts';
import { masterEndpoint, privateEndpoint } from './master-endpoint.ts';
import { VERBOSE_TRAFFIC } from './output-plan.ts';
import { storeLayout } from './store-layout.ts';

/**
 * Puts together everything that the connections of a run need to know.
 *
 * @param partition -p, where the mode takes it
 * @throws SyncError CONFIG, SYNC_HOST_NOT_DEFINED
 */
export function poolSetup(
  config: ImapdConfig,
  settings: Settings,
  args: Arguments,
  channel: string | undefined,
  partition: string | undefined,
): PoolSetup {
  const connection = connectionSettings(config, settings, args, channel);
  const elsewhere = args.from === undefined ? undefined : fromServer(config, settings, connection, args.from);
  const from = elsewhere ?? (readsItself(config) ? undefined : privateEndpoint(config, settings));
  return {
    layout: storeLayout(config, settings.userLock),
    from,
    locks: settings.locks,
    threads: settings.threads,
    connection,
    master: masterEndpoint(config, settings, connection, elsewhere),
    options: {
      partition: optionalBytes(partition),
      local: args.local,
      noCopyback: args.noCopyback,
      batchSize: Math.max(0, config.integer('sync_batchsize')),
      lookAhead: settings.lookAhead,
      ...(args.verify ? { verify: afterwards(config, channel, elsewhere !== undefined) } : {}),
    },
    traffic: args.verbose >= VERBOSE_TRAFFIC,
  };
}

/** Kinds of databases that no file of ours can be made of. */
const OF_CYRUS_ALONE: readonly string[] = ['sql', 'twom', 'zeroskip'];

/** Tells whether the list of mailboxes, without which there is nothing to read, is in a file that is understood here. */
function readsItself(config: ImapdConfig): boolean {
  return !OF_CYRUS_ALONE.includes(config.word('mboxlist_db'));
}

/** `--verify` */
function afterwards(
  config: ImapdConfig,
  channel: string | undefined,
  isElsewhere: boolean,
): PoolSetup['options']['verify'] {
  const logs = isElsewhere ? [] : [syncLogPath(config.configdirectory, channel)];
  return { after: true, deep: undefined, repair: false, logs };
}

function optionalBytes(text: string | undefined): ByteString | undefined {
  return text === undefined ? undefined : bytesFromText(text);
}
