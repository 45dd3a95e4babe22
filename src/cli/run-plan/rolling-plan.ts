import { configError } from '../../config/config-error.ts';
import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';
import { AUTO_FIRST } from '../../coordinator/limits.ts';
import type { PoolSetup } from '../../coordinator/pool/messages.ts';
import type { OutputPlan } from '../../report/output-plan.ts';
import type { SyncError } from '../../report/sync-error.ts';
import { checkSyncLog } from '../../rolling/daemon/check-sync-log.ts';
import { goesToBackground } from '../../rolling/daemon/goes-to-background.ts';
import type { RollingOptions } from '../../rolling/daemon/rolling-options.ts';
import type { LogSource } from '../../rolling/log/open-log.ts';
import { syncLogPath } from '../../rolling/log/sync-log.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { identityPlan } from './become-cyrus-user.ts';
import { channelWarnings, type PlanWarning } from './channel-warnings.ts';
import { deepFreeze } from './deep-freeze.ts';
import { type OperatePlan, operatePlan } from './operate-plan.ts';
import { outputPlan } from './output-plan.ts';
import { poolSetup } from './pool-setup.ts';
import type { IdentityPlan } from './run-plan.ts';
import { type PlanWeb, type WebPlan, webPlan } from './web-plan.ts';

/** Rolling replication of one channel, decided before anything is opened. Frozen. */
export interface RollingPlan {
  setup: PoolSetup;
  connections: number;
  channel: string | undefined;
  source: LogSource;
  options: RollingOptions;
  /** -F, or sync_shutdown_file. */
  shutdownFile: string | undefined;
  /** -r: hand over to a background process and end. */
  background: boolean;
  /** Warnings of what in the configuration is hardly meant, that of the log included. */
  warnings: PlanWarning[];
  /** Milliseconds in which all users are compared once, besides; 0 = never. */
  fullPassMs: number;
  /** -w, seconds. */
  startDelaySeconds: number;
  identity: IdentityPlan;
  output: OutputPlan;
  operate: OperatePlan;
  /** undefined: nobody is to look on over a port. */
  web: WebPlan | undefined;
  /** The settings of the start, to be compared when they are read again. */
  settings: Settings;
}

/** The name of the default channel where others have their own. */
const ROLLING_NAME = 'rolling';
/** Seconds; the manual's default of -t. */
const SESSION_LIFETIME_SECONDS = 600;

/** @throws SyncError CONFIG, SYNC_HOST_NOT_DEFINED */
export function rollingPlan(
  args: Arguments,
  config: ImapdConfig,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  channel: string | undefined,
  fileWarnings: readonly PlanWarning[] = [],
  planWeb: PlanWeb = webPlan,
): RollingPlan {
  const setup = poolSetup(config, settings, args, channel, undefined);
  if (setup.from) throw needsFiles(config);
  const wanted = args.workers ?? settings.workers;
  // The log comes in drops: there is no rate to go by, and a connection is made only when the others are busy.
  const connections = wanted === 'auto' ? AUTO_FIRST : wanted;
  const once = args.once || args.inputFile !== undefined;
  const logs = [syncLogPath(config.configdirectory, channel)];
  const verify = { after: false, deep: undefined, repair: true, logs };
  return deepFreeze({
    // Units of the log are not compared; only the full pass has jobs that are.
    setup: { ...setup, options: { ...setup.options, verify } },
    connections,
    channel,
    source: logSource(args.inputFile),
    options: {
      channel,
      server: setup.connection.server,
      once,
      parallel: connections * setup.options.lookAhead,
      repeatIntervalMs:
        (args.minimumDelaySeconds || config.channelDuration(channel, 'sync_repeat_interval')) * 1_000,
      sessionTimeoutMs: (args.sessionLifetimeSeconds ?? SESSION_LIFETIME_SECONDS) * 1_000,
      connectOnce: args.connectOnce,
      reconnectMaxWaitSeconds: Math.max(0, config.duration('sync_reconnect_maxwait')),
      exitWhenReplicaGone: settings.exitWhenReplicaGone || args.connectOnce,
      relogLocked: args.skipLocked && channel !== undefined,
      reportIntervalMs: settings.backlogReportSeconds * 1_000,
    },
    shutdownFile: args.shutdownFile ?? config.channelText(channel, 'sync_shutdown_file'),
    background: goesToBackground({
      rolling: args.once ? 'once' : args.background ? 'background' : 'foreground',
      inputFile: args.inputFile,
      isDaemon: environment.CYRUS_ISDAEMON,
    }),
    warnings: [
      ...fileWarnings,
      ...channelWarnings(channel, config, settings),
      ...(args.inputFile === undefined
        ? checkSyncLog(
            { syncLog: config.switch('sync_log'), syncLogChannels: config.text('sync_log_channels') },
            channel,
          )
        : []),
    ],
    fullPassMs: once ? 0 : settings.fullPassSeconds * 1_000,
    startDelaySeconds: args.startDelaySeconds,
    identity: identityPlan(environment, config.text('cyrus_user'), config.text('cyrus_group')),
    // A display of progress has no end to show progress towards.
    output: { ...outputPlan(config, settings, args, environment, false), progress: false },
    operate: operatePlan(args, settings, environment, channel ?? ROLLING_NAME),
    web: planWeb(args.metrics, settings),
    settings,
  });
}

function logSource(inputFile: string | undefined): LogSource {
  if (inputFile === undefined) return { kind: 'log' };
  return inputFile === '-' ? { kind: 'standard-input' } : { kind: 'file', path: inputFile };
}

/** Each line of the log is looked up in the list of mailboxes, tombstones included, which a server does not tell. */
function needsFiles(config: ImapdConfig): SyncError {
  return configError(
    config.placeOf('mboxlist_db') ?? config.file,
    `expected a mboxlist_db that is read here, twoskip or skiplist, in rolling mode, found ${config.word('mboxlist_db')}`,
    'convert it with cvt_cyrusdb, or run -A again and again instead',
  );
}
