import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS_VARIABLE } from '../../src/config/settings.ts';
import type { CyrusServer } from './cyrus-server.ts';

/** The line of settings that such a Cyrus needs, for a test that writes its own file anew while the command runs. */
export function linesOfItsCyrus(server: CyrusServer): string {
  return server.programs.areInstalled ? '' : `sync_server = ${server.programs.path('sync_server')}\n`;
}

/**
 * A Cyrus that is not the installed one has its `sync_server` where only a setting can say it.
 *
 * @param args of the command: a settings file that is named there gets the line
 * @returns what the environment of the command needs
 */
export function settingsOfItsCyrus(server: CyrusServer, args: readonly string[]): Record<string, string> {
  const line = linesOfItsCyrus(server);
  if (line === '') return {};
  const named = args[args.indexOf('--settings') + 1];
  if (args.includes('--settings') && named !== undefined) {
    const text = readFileSync(named, 'utf8');
    // Behind what belongs to no channel, so that the lines of the test keep their numbers.
    const end = /^\[/m.exec(text)?.index ?? text.length;
    if (!text.includes('sync_server')) writeFileSync(named, text.slice(0, end) + line + text.slice(end));
    return {};
  }
  const file = join(server.directory, 'settings-of-its-cyrus.ini');
  writeFileSync(file, line, { mode: 0o644 });
  return { [SETTINGS_VARIABLE]: file };
}
