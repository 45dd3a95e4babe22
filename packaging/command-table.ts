import type { Command, Option } from 'commander';
import { commandLine, PROGRAM as SYNC_CLIENT } from '../src/cli/arguments/command-line.ts';
import { PROGRAM as CYRUS_SYNC, VERBS } from '../src/cli/cyrus-sync.ts';

/** The source of manual pages and completions: the very tables that the command line is parsed by. */
export interface CommandTable {
  /** `sync_client`, or `cyrus-sync` */
  program: string;
  verb: string | undefined;
  /** The line of a verb in the list of verbs. */
  summary: string;
  usage: string;
  description: string;
  options: readonly OptionEntry[];
  /** The texts that the help has after the options, one for each heading. */
  sections: readonly HelpSection[];
}

export interface OptionEntry {
  /** `-u` */
  short: string | undefined;
  /** `--userids` */
  long: string | undefined;
  /** `file`, if it takes a value. */
  value: string | undefined;
  choices: readonly string[];
  description: string;
  heading: string;
}

/** Over what has no heading in the help: `--help` and `--version`. */
export const OTHER = 'Other:';

export interface HelpSection {
  heading: string;
  lines: readonly string[];
}

export function syncClientTable(): CommandTable {
  return tableOf(commandLine(), SYNC_CLIENT, undefined, '');
}

export async function verbTables(version: string): Promise<CommandTable[]> {
  return await Promise.all(
    Object.entries(VERBS).map(async ([name, { summary, load }]) => {
      const verb = await load();
      return tableOf(verb.command(`${CYRUS_SYNC} ${name}`, version), CYRUS_SYNC, name, summary);
    }),
  );
}

function tableOf(command: Command, program: string, verb: string | undefined, summary: string): CommandTable {
  const help = command.createHelp();
  return {
    program,
    verb,
    summary,
    usage: command.usage(),
    description: command.description(),
    options: help.visibleOptions(command).map(entryOf),
    sections: sectionsOf(textAfterHelp(command)),
  };
}

function entryOf(option: Option): OptionEntry {
  return {
    short: option.short,
    long: option.long,
    value: /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1],
    choices: option.argChoices ?? [],
    description: option.description,
    heading: option.helpGroupHeading ?? OTHER,
  };
}

/** Texts that `addHelpText` has added are told only together with the help. */
function textAfterHelp(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text.slice(command.helpInformation().length);
}

function sectionsOf(text: string): HelpSection[] {
  const sections: { heading: string; lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const heading = /^(\S.*):$/.exec(line)?.[1];
    if (heading !== undefined) sections.push({ heading, lines: [] });
    else if (line !== '') sections.at(-1)?.lines.push(line.trimStart());
  }
  return sections;
}
