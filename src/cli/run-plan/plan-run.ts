/**
 * The door of `cli/run-plan`. Here a command line and the configuration become one frozen plan. It reads configuration and
 * lists of names, becomes the Cyrus user, and opens nothing of mail or network; every mistake is found before a run begins.
 */

import { isatty } from 'node:tty';
import { bytesFromText } from '../../byte-string.ts';
import { type ConfigFile, checkFileModes } from '../../config/check-file-modes.ts';
import { type ImapdConfig, readImapdConfig } from '../../config/imapd-config.ts';
import { readSettings, SETTINGS_VARIABLE, type Settings } from '../../config/settings.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { identityPlan } from './become-cyrus-user.ts';
import { channelWarnings, type PlanWarning } from './channel-warnings.ts';
import { choicePlan, limitsPlan } from './choice-plan.ts';
import { deepFreeze } from './deep-freeze.ts';
import { internalName, type NameSpelling } from './internal-name.ts';
import { nameOfProcess, operatePlan } from './operate-plan.ts';
import { outputPlan } from './output-plan.ts';
import { poolSetup } from './pool-setup.ts';
import { type ListedName, listText, readNameList } from './read-name-list.ts';
import { type RollingPlan, rollingPlan } from './rolling-plan.ts';
import type { RunMode, RunPlan } from './run-plan.ts';
import { storeLayout } from './store-layout.ts';
import { type PlanWeb, webPlan, webTakenOver } from './web-plan.ts';

/**
 * Reads imapd.conf, the settings file and the `-f` list, and decides the whole run. Opens nothing of the store.
 *
 * @param terminal standard error is one
 * @param planWeb says where this run is looked at, which may be where others are
 * @throws SyncError USAGE (exit 64, message only: the command line was well-formed), CONFIG (78),
 *   SYNC_HOST_NOT_DEFINED (70), IO for an unreadable `-f` list (1)
 */
export function planRun(
  args: Arguments,
  environment: NodeJS.ProcessEnv,
  terminal: boolean = isatty(2),
  planWeb: PlanWeb = webPlan,
): RunPlan {
  const config = readImapdConfig(args.configFile, environment, undefined, args.from === undefined);
  const settings = settingsOf(args, environment, args.channel);
  const listed = args.inputFile === undefined ? [] : readNameList(args.inputFile);
  const { excludeFrom } = args.choosing;
  const excluded = excludeFrom === undefined ? [] : readNameList(excludeFrom, '--exclude-from');
  const fileWarnings = checkFileModes(filesOf(config, settings));
  return decideRun(args, config, settings, environment, listed, terminal, fileWarnings, excluded, planWeb);
}

/** A channel, and the way to plan it anew while it runs. */
export interface PlannedChannel {
  plan: RollingPlan;
  /**
   * Reads the settings again, and nothing else: root may have been the one who could read the rest, which stays as it was at
   * the start. Whatever the next start would refuse is refused.
   *
   * @throws SyncError as `planRun`
   */
  replan(): RollingPlan;
}

/**
 * Reads the same files and decides rolling replication of every channel named.
 *
 * @throws SyncError as `planRun`
 */
export function planRolling(args: Arguments, environment: NodeJS.ProcessEnv): PlannedChannel[] {
  const config = readImapdConfig(args.configFile, environment);
  if (args.steering.control?.startsWith('/') && args.channels.length > 1) {
    throw new SyncError('USAGE', `expected one channel with --control ${args.steering.control}, found more`, {
      phase: 'start',
      hint: 'Without --control each has a socket called after it',
    });
  }
  return args.channels.map((channel, index) => {
    const settings = settingsOf(args, environment, channel);
    // The channels share the files, so that one of them tells.
    const fileWarnings = index === 0 ? checkFileModes(filesOf(config, settings)) : [];
    const plan = rollingPlan(args, config, settings, environment, channel, fileWarnings);
    const planWeb = webTakenOver(plan.web);
    return {
      plan,
      replan: () => {
        const again = settingsOf(args, environment, channel);
        return rollingPlan(args, config, again, environment, channel, [], planWeb);
      },
    };
  });
}

function filesOf(config: ImapdConfig, { file }: Settings): ConfigFile[] {
  return file === undefined ? config.files : [...config.files, file];
}

function settingsOf(args: Arguments, environment: NodeJS.ProcessEnv, channel: string | undefined): Settings {
  return readSettings(args.settingsFile ?? environment[SETTINGS_VARIABLE], channel);
}

/** The pure part of `planRun`. */
export function decideRun(
  args: Arguments,
  config: ImapdConfig,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  listed: readonly ListedName[],
  terminal: boolean,
  fileWarnings: readonly PlanWarning[] = [],
  excluded: readonly ListedName[] = [],
  planWeb: PlanWeb = webPlan,
): RunPlan {
  const mode = runMode(args, storeLayout(config, settings.userLock), listed);
  const [unknownChannel] = channelWarnings(args.channel, config, settings);
  // A caller that wants exit codes to tell everything does not want another replica filled with success.
  if (unknownChannel && args.exitCodes === 'extended') {
    throw new SyncError('USAGE', `-n: ${unknownChannel.text}`, {
      phase: 'start',
      hint: unknownChannel.hint,
    });
  }
  // -p is for -u and -m only, as in the C client.
  const takesPartition = mode.kind === 'users' || mode.kind === 'mailboxes';
  const partition = takesPartition ? args.partition : undefined;
  const warnings: PlanWarning[] = unknownChannel ? [unknownChannel] : [];
  if (args.partition !== undefined && !takesPartition) {
    warnings.push({
      text: `-p ${args.partition} is passed over, as it counts with -u and -m alone`,
      hint: 'every mailbox goes to the partition of the same name',
    });
  }
  return deepFreeze({
    mode,
    setup: poolSetup(config, settings, args, args.channel, partition),
    channel: args.channel,
    warnings: [...fileWarnings, ...warnings],
    connections: args.workers ?? settings.workers,
    skipLocked: args.skipLocked,
    connectOnce: args.connectOnce,
    reconnectMaxWaitSeconds: Math.max(0, config.duration('sync_reconnect_maxwait')),
    startDelaySeconds: args.startDelaySeconds,
    lockedRetrySeconds: settings.lockedRetrySeconds,
    choice: choicePlan(args.choosing, excluded),
    order: args.choosing.order === undefined || args.choosing.order === 'size' ? 'size' : 'found',
    limits: limitsPlan(args.choosing),
    identity: identityPlan(environment, config.text('cyrus_user'), config.text('cyrus_group')),
    output: outputPlan(config, settings, args, environment, terminal),
    operate: operatePlan(args, settings, environment, nameOfProcess(process.pid)),
    web: planWeb(args.metrics, settings),
    exitCodes: args.exitCodes,
  });
}

/** Operands first, then the list. The C client looks at operands only without -f. */
function runMode(args: Arguments, spelling: NameSpelling, listed: readonly ListedName[]): RunMode {
  const operands = args.operands.map(bytesFromText);
  const userids = (): string[] => {
    if (operands.includes('')) {
      throw new SyncError('USAGE', 'expected user ids, found an empty one', { phase: 'start' });
    }
    return [...operands, ...listed.map(({ name }) => name)];
  };
  switch (args.mode) {
    case 'all':
      return { kind: 'all', prefix: operands[0] };
    case 'users':
      return { kind: 'users', userids: inOrder(userids(), args) };
    case 'meta':
      return { kind: 'meta', userids: userids() };
    case 'mailboxes':
      return { kind: 'mailboxes', names: mailboxNames(args, operands, spelling, listed) };
    case 'rolling':
    case undefined:
      throw new SyncError('USAGE', 'No replication mode specified', { phase: 'start' });
  }
}

/** -A finds users by name as it is. */
function inOrder(userids: string[], { choosing }: Arguments): string[] {
  return choosing.order === 'name' ? userids.sort() : userids;
}

function mailboxNames(
  args: Arguments,
  operands: readonly string[],
  spelling: NameSpelling,
  listed: readonly ListedName[],
): string[] {
  const name = (external: string, where: string, shown: string): string => {
    const internal = internalName(external, spelling);
    if (internal !== undefined) return internal;
    const [separator, taken] = spelling.unixhierarchysep ? ['/', '^'] : ['.', '/'];
    throw new SyncError(
      'USAGE',
      `${where}expected a mailbox name without ${taken}, found ${shownValue(shown)}`,
      {
        phase: 'start',
        hint: `name it as an administrator sees it, with ${separator} between its parts`,
      },
    );
  };
  const list = listText(args.inputFile ?? '');
  return [
    ...operands.map((operand, index) => name(operand, '-m: ', args.operands[index] ?? '')),
    ...listed.map((entry) => name(entry.name, `${list}:${entry.line}: `, entry.name)),
  ];
}
