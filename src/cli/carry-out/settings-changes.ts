import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../../config/settings.ts';

/** Settings that a channel can be given while it runs. */
const AT_ONCE: readonly (keyof Settings)[] = ['workers', 'bwlimit', 'pauseFile', 'pauseUrl', 'maxLoad'];
/** The file itself, which is no setting. */
const NO_SETTING: readonly string[] = ['file', 'hasChannelSection'];

export interface SettingsChanges {
  /** By their names in the file. */
  now: string[];
  /** Those for which the command has to be started again. */
  later: string[];
}

/** Compares settings that were read again with those in force. */
export function settingsChanges(before: Settings, after: Settings): SettingsChanges {
  const changes: SettingsChanges = { now: [], later: [] };
  for (const key of Object.keys(after) as (keyof Settings)[]) {
    if (NO_SETTING.includes(key) || isDeepStrictEqual(before[key], after[key])) continue;
    (AT_ONCE.includes(key) ? changes.now : changes.later).push(nameInFile(key));
  }
  return changes;
}

/** `lockedRetrySeconds` is `locked_retry` there. */
function nameInFile(key: string): string {
  return key.replace(/(Seconds|Octets)$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
