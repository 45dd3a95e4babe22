import { type CommandTable, type OptionEntry, OTHER } from './command-table.ts';
import { bold, italic, item, roffOfMarkdown, roffText, section, subsection, verbatim } from './roff.ts';
import type { SettingEntry } from './settings-table.ts';

export interface Tables {
  version: string;
  syncClient: CommandTable;
  verbs: readonly CommandTable[];
  settings: readonly SettingEntry[];
}

/** @returns a page by its file name, such as `sync_client.8` */
export function manPages(tables: Tables): ReadonlyMap<string, string> {
  return new Map([
    ['sync_client.8', page('sync_client', 8, tables.version, syncClientPage(tables.syncClient))],
    ['cyrus-sync.8', page('cyrus-sync', 8, tables.version, cyrusSyncPage(tables.verbs))],
    ['cyrus-sync.ini.5', page('cyrus-sync.ini', 5, tables.version, settingsPage(tables.settings))],
  ]);
}

function page(name: string, chapter: number, version: string, body: readonly string[]): string {
  return [`.TH "${roffText(name)}" ${chapter} "" "cyrus\\-sync ${version}"`, ...body, ''].join('\n');
}

function syncClientPage(table: CommandTable): string[] {
  return [
    ...section('Name', 'sync_client \\- parallel replication of a Cyrus IMAP server'),
    ...section('Synopsis', `${bold('sync_client')} ${roffText(table.usage)}`),
    ...section(
      'Description',
      roffText(table.description),
      roffText("It takes the options of Cyrus's own sync_client, whose words and exit codes it keeps."),
    ),
    ...section('Options', ...optionGroups(table)),
    ...helpSections(table).flatMap(({ heading, lines }) => section(heading, ...verbatim(lines))),
    ...section('See also', seeAlso('cyrus-sync(8)', 'cyrus-sync.ini(5)', 'imapd.conf(5)', 'cyrus.conf(5)')),
  ];
}

function cyrusSyncPage(verbs: readonly CommandTable[]): string[] {
  return [
    ...section('Name', 'cyrus\\-sync \\- what a Cyrus IMAP server and its replica can be asked'),
    ...section('Synopsis', `${bold('cyrus-sync')} ${italic('verb')} [${italic('options')}]`),
    ...section(
      'Description',
      'Tells of a Cyrus IMAP server and its replica what sync_client does not.',
      ...verbs.flatMap(({ verb = '', summary }) => item(bold(verb), roffText(summary))),
    ),
    ...verbs.flatMap((table) => [
      ...section(
        `${table.program} ${table.verb}`,
        `${bold(`${table.program} ${table.verb}`)} ${roffText(table.usage)}`,
        '.PP',
        roffText(table.description),
        ...optionGroups(table),
      ),
      ...helpSections(table).flatMap(({ heading, lines }) => subsection(heading, ...verbatim(lines))),
    ]),
    ...section('See also', seeAlso('sync_client(8)', 'cyrus-sync.ini(5)', 'imapd.conf(5)')),
  ];
}

function settingsPage(settings: readonly SettingEntry[]): string[] {
  return [
    ...section('Name', 'cyrus\\-sync.ini \\- settings of sync_client and cyrus\\-sync'),
    ...section('Synopsis', italic('/etc/cyrus-sync.ini')),
    ...section(
      'Description',
      roffText('Settings for which imapd.conf has no word, one a line:'),
      ...verbatim(['KEY = VALUE', '', '[channel NAME]', 'KEY = VALUE']),
      '.PP',
      roffText(
        'Keys in a [channel NAME] section count with -n NAME and win over those above the first section. Options on the command line win over both. Unknown keys and sections, and keys given twice, are errors. A # or ; behind a blank begins a comment; a value that has one of them in it stands in double quotes, between which a backslash is written twice.',
      ),
      roffText(
        'Another file is named by --settings or $CYRUS_SYNC_SETTINGS. Sizes: 8192, 64K, 1 MiB. Durations: 90, 20m, 1d12h.',
      ),
    ),
    ...section(
      'Settings',
      ...settings.flatMap(({ key, values, default: preset, description }) =>
        item(
          `${bold(key)} = ${roffOfMarkdown(values)}`,
          `Default: ${preset === '' ? 'none' : roffOfMarkdown(preset)}`,
          ...(description === '' ? [] : ['.br', roffOfMarkdown(description)]),
        ),
      ),
    ),
    ...section('See also', seeAlso('sync_client(8)', 'cyrus-sync(8)', 'imapd.conf(5)')),
  ];
}

function optionGroups({ options }: CommandTable): string[] {
  const named = new Set(options.map(({ heading }) => heading));
  named.delete(OTHER);
  const headings = [...named, OTHER];
  return headings.flatMap((heading) =>
    subsection(
      heading.replace(/:$/, ''),
      ...options.filter((option) => option.heading === heading).flatMap(optionItem),
    ),
  );
}

function optionItem({ short, long, value, choices, description }: OptionEntry): string[] {
  const names = [short, long].filter((name) => name !== undefined).map(bold);
  const argument = value === undefined ? '' : ` ${italic(value)}`;
  const untold = choices.filter((choice) => !description.includes(choice));
  const given = untold.length > 0 ? ` (${choices.join(', ')})` : '';
  return item(`${names.join(', ')}${argument}`, roffText(description + given));
}

/** Each is a section of its own, a heading with no lines a part of the usage. */
function helpSections({ sections }: CommandTable): CommandTable['sections'] {
  return sections.filter(({ lines }) => lines.length > 0);
}

function seeAlso(...pages: string[]): string {
  return pages.map((each) => roffText(each)).join(', ');
}
