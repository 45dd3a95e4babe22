import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS_VARIABLE } from '../../src/config/settings.ts';
import type { CyrusServer } from './cyrus-server.ts';

/**
 * A Cyrus that is not the installed one has its `sync_server` where only a setting can say it.
 *
 * @param args of the command: a settings file that is named there gets the line
 * @returns what the environment of the command needs
 */
export function settingsOfItsCyrus(server: CyrusServer, args: readonly string[]): Record<string, string> {
  if (server.programs.areInstalled) return {};
  const line = `sync_server = ${server.programs.path('sync_server')}\n`;
  const named = args[args.indexOf('--settings') + 1];
  if (args.includes('--settings') && named !== undefined) {
    const text = readFileSync(named, 'utf8');
    // At the beginning, which belongs to no channel.
    if (!text.includes('sync_server')) writeFileSync(named, line + text);
    return {};
  }
  const file = join(server.directory, 'settings-of-its-cyrus.ini');
  writeFileSync(file, line, { mode: 0o644 });
  return { [SETTINGS_VARIABLE]: file };
}
