import { configError } from '../../config/config-error.ts';
import type { Settings } from '../../config/settings.ts';
import type { HookPrograms } from '../../operate/hooks/hooks.ts';
import { parseTimetable, TIMETABLE_FORMS, type Timetable } from '../../operate/throttle/timetable.ts';
import type { PauseConditions } from '../../operate/throttle/watch-pauses.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Arguments } from '../arguments/arguments.ts';

/** How a run is watched and steered while it lasts. */
export interface OperatePlan {
  bwlimit: Timetable;
  pauses: PauseConditions;
  control: ControlPlan | undefined;
  hooks: HookPrograms;
  lagLimitSeconds: number;
}

export interface ControlPlan {
  path: string;
  /** The operator wants it there; otherwise it is where it can be. */
  named: boolean;
}

/** Names the directory of control sockets, for tests and for those who cannot write below /run. */
const DIRECTORY_VARIABLE = 'CYRUS_SYNC_RUN_DIRECTORY';
const DEFAULT_DIRECTORY = '/run/cyrus-sync';

export function controlDirectory(environment: NodeJS.ProcessEnv): string {
  return environment[DIRECTORY_VARIABLE] ?? DEFAULT_DIRECTORY;
}

export function controlPath(environment: NodeJS.ProcessEnv, name: string): string {
  // Channels may be called anything.
  return `${controlDirectory(environment)}/${encodeURIComponent(name)}.sock`;
}

/** The name of a run with an end, which no other has. */
export function nameOfProcess(pid: number): string {
  return `run-${pid}`;
}

export function isNameOfProcess(name: string): boolean {
  return /^run-[0-9]{1,10}$/.test(name);
}

/**
 * @param name that the control socket has by default
 * @throws SyncError USAGE for an option, CONFIG for a setting
 */
export function operatePlan(
  { steering }: Pick<Arguments, 'steering'>,
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  name: string,
): OperatePlan {
  const read = <T>(
    [option, given]: [string, string | undefined],
    [key, set]: [string, string | undefined],
    expected: string,
    parse: (text: string) => T | undefined,
  ): T | undefined => {
    const text = given ?? set;
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value !== undefined) return value;
    if (given !== undefined) {
      throw new SyncError('USAGE', `option ${option} expects ${expected}, found ${shownValue(given)}`, {
        phase: 'start',
      });
    }
    throw configError(settings.file?.path ?? '', `${key}: expected ${expected}, found ${shownValue(set)}`);
  };
  const { bwlimit, pauseFile, pauseUrl, maxLoad, control } = steering;
  const path = read(
    ['--control', control],
    ['control', settings.control],
    'the absolute path of a socket, or off',
    (text) => (text === 'off' || text.startsWith('/') ? text : undefined),
  );
  const { onFailure, onQuarantine, onLag, onDone, lagLimitSeconds } = settings;
  return {
    hooks: {
      ...(onFailure && { on_failure: onFailure }),
      ...(onQuarantine && { on_quarantine: onQuarantine }),
      ...(onLag && { on_lag: onLag }),
      ...(onDone && { on_done: onDone }),
    },
    lagLimitSeconds,
    bwlimit: read(['--bwlimit', bwlimit], ['bwlimit', settings.bwlimit], TIMETABLE_FORMS, parseTimetable) ?? [
      { minute: 0, rate: 'off' },
    ],
    pauses: {
      file: read(
        ['--pause-file', pauseFile],
        ['pause_file', settings.pauseFile],
        'an absolute path',
        (text) => (text.startsWith('/') ? text : undefined),
      ),
      url: read(
        ['--pause-url', pauseUrl],
        ['pause_url', settings.pauseUrl],
        'an http or https address',
        address,
      ),
      mostLoad: read(
        ['--max-load', maxLoad],
        ['max_load', settings.maxLoad],
        'a load above 0, such as 8',
        load,
      ),
    },
    control:
      path === 'off'
        ? undefined
        : path === undefined
          ? { path: controlPath(environment, name), named: false }
          : { path, named: true },
  };
}

function address(text: string): string | undefined {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : undefined;
}

function load(text: string): number | undefined {
  const number = /^[0-9]{1,4}(\.[0-9]{1,2})?$/.test(text) ? Number(text) : 0;
  return number > 0 ? number : undefined;
}
