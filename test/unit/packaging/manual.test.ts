import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { syncClientTable, verbTables } from '../../../packaging/command-table.ts';
import { completions } from '../../../packaging/completions.ts';
import { manPages } from '../../../packaging/man-pages.ts';
import { roffText } from '../../../packaging/roff.ts';
import { settingsExample } from '../../../packaging/settings-example.ts';
import { settingsTable } from '../../../packaging/settings-table.ts';
import { commandLine } from '../../../src/cli/arguments/command-line.ts';
import { VERBS } from '../../../src/cli/cyrus-sync.ts';
import { parseSettings, SETTING_KEYS } from '../../../src/config/settings.ts';

const PROJECT = join(import.meta.dirname, '..', '..', '..', '..');

const syncClient = syncClientTable();
const verbs = await verbTables('1.2.3');
const settings = settingsTable(PROJECT);
const pages = manPages({ version: '1.2.3', syncClient, verbs, settings });
const scripts = completions(syncClient, verbs);

const page = (name: string): string => pages.get(name) ?? assert.fail(`no page ${name}`);
const script = (path: string): string => scripts.get(path) ?? assert.fail(`no script ${path}`);

/** Each option of a command, by the names that its own parser knows. */
async function optionsOf(verb: string | undefined): Promise<{ short?: string; long: string }[]> {
  const command =
    verb === undefined ? commandLine() : (await VERBS[verb]?.load())?.command(`cyrus-sync ${verb}`, '1');
  return (command?.options ?? []).map(({ short, long = '' }) => ({ ...(short ? { short } : {}), long }));
}

const commands = [undefined, ...Object.keys(VERBS)];

test('every option of every command is on its manual page', async () => {
  for (const verb of commands) {
    const options = await optionsOf(verb);
    assert.ok(options.length > 0);
    const text = verb === undefined ? page('sync_client.8') : chapter(verb);
    for (const { short, long } of options) {
      const names = [short, long]
        .filter((name) => name !== undefined)
        .map((name) => `\\fB${roffText(name)}\\fR`);
      assert.ok(text.includes(`\n${names.join(', ')}`), `${verb ?? 'sync_client'} ${long}`);
    }
  }
});

function chapter(verb: string): string {
  const chapters = page('cyrus-sync.8').split('\n.SH ');
  return chapters.find((text) => text.startsWith(`"CYRUS\\-SYNC ${verb.toUpperCase()}"`)) ?? '';
}

test('every option of every command is completed in bash, zsh and fish', async () => {
  for (const verb of commands) {
    const program = verb === undefined ? 'sync_client' : 'cyrus-sync';
    const bash = script(`bash-completion/completions/${program}`);
    const zsh = script('zsh/vendor-completions/_cyrus_sync');
    const fish = script(`fish/vendor_completions.d/${program}.fish`);
    const seen = verb === undefined ? '' : ` -n '__fish_seen_subcommand_from ${verb}'`;
    const own = (text: string): string =>
      verb === undefined ? text : (text.split(`\n  ${verb})\n`)[1]?.split(/\n {2}\S/)[0] ?? '');
    for (const { short, long } of await optionsOf(verb)) {
      assert.match(own(bash), new RegExp(`[ ']${long}[ ']`), `bash: ${verb} ${long}`);
      assert.ok(own(zsh).includes(`'*${long}[`), `zsh: ${verb} ${long}`);
      const names = `${short ? ` -s ${short.slice(1)}` : ''} -l ${long.slice(2)} `;
      assert.ok(fish.includes(`complete -c ${program}${seen}${names}`), `fish: ${verb} ${long}`);
    }
  }
});

test('every setting is on its manual page and in the example, with what it takes and its default', () => {
  assert.deepEqual(settings.map(({ key }) => key).sort(), [...SETTING_KEYS].sort());
  for (const key of SETTING_KEYS) {
    assert.ok(page('cyrus-sync.ini.5').includes(`\n\\fB${roffText(key)}\\fR = `), key);
  }
  for (const { key, values } of settings) assert.notEqual(values, '', key);
});

test('the example of a settings file is one, and changes nothing', () => {
  const example = settingsExample(settings);
  const uncommented = example.replace(/^#(\w+ = \S)/gm, '$1');
  assert.notEqual(uncommented, example);
  const { file: _, ...read } = parseSettings(uncommented, 'example', undefined);
  const { file: __, ...defaults } = parseSettings(example, 'example', undefined);
  assert.deepEqual(read, defaults);
});

test('nothing in a text becomes a request or an escape of roff', () => {
  assert.equal(roffText(".SH a\\fB '-' `x`"), '\\&.SH a\\(rsfB \\(aq\\-\\(aq \\(gax\\(ga');
});
