import type { CommandTable, OptionEntry } from './command-table.ts';

/*
 * Completions are plain scripts made of the option tables. Packages that complete for commander start the command at each
 * key, which takes Node longer than a finger takes to press the next one.
 */

/** @returns a script by its path below /usr/share */
export function completions(
  syncClient: CommandTable,
  verbs: readonly CommandTable[],
): ReadonlyMap<string, string> {
  return new Map([
    ['bash-completion/completions/sync_client', bashOfOne(syncClient)],
    ['bash-completion/completions/cyrus-sync', bashOfVerbs(verbs)],
    ['zsh/vendor-completions/_cyrus_sync', zsh(syncClient, verbs)],
    ['fish/vendor_completions.d/sync_client.fish', fishOfOne(syncClient)],
    ['fish/vendor_completions.d/cyrus-sync.fish', fishOfVerbs(verbs)],
  ]);
}

/** Values that are names of files. */
function isFile({ value }: OptionEntry): boolean {
  return value === 'file' || value === 'path' || value === 'report';
}

function namesOf({ short, long }: OptionEntry): string[] {
  return [short, long].filter((name) => name !== undefined);
}

/** Inside single quotes of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function bashCases(options: readonly OptionEntry[]): string[] {
  return options
    .filter(({ value }) => value !== undefined)
    .map((option) => {
      const offered = isFile(option)
        ? 'COMPREPLY=($(compgen -f -- "$word"))'
        : `COMPREPLY=($(compgen -W ${quoted(option.choices.join(' '))} -- "$word"))`;
      return `    ${namesOf(option).join('|')}) ${offered}; return ;;`;
    });
}

function bashWords(options: readonly OptionEntry[]): string {
  return quoted(options.flatMap(namesOf).join(' '));
}

function bashOfOne({ program, options }: CommandTable): string {
  return [
    `_${program}() {`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}',
    '  case $before in',
    ...bashCases(options),
    '  esac',
    `  COMPREPLY=($(compgen -W ${bashWords(options)} -- "$word"))`,
    '}',
    `complete -o default -o filenames -F _${program} ${program}`,
    '',
  ].join('\n');
}

function bashOfVerbs(verbs: readonly CommandTable[]): string {
  const names = verbs.map(({ verb = '' }) => verb);
  return [
    '_cyrus_sync() {',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W ${quoted([...names, '--help', '--version'].join(' '))} -- "$word"))`,
    '    return',
    '  fi',
    '  case $verb in',
    ...verbs.flatMap(({ verb, options }) => [
      `  ${verb})`,
      '    case $before in',
      ...bashCases(options).map((line) => `  ${line}`),
      '    esac',
      `    COMPREPLY=($(compgen -W ${bashWords(options)} -- "$word")) ;;`,
    ]),
    '  esac',
    '}',
    'complete -o default -o filenames -F _cyrus_sync cyrus-sync',
    '',
  ].join('\n');
}

/** One specification of `_arguments` for each name of an option. */
function zshSpecs(options: readonly OptionEntry[]): string[] {
  return options.flatMap((option) => {
    const { value, choices } = option;
    const said = option.description.replace(/[[\]\\:]/g, '\\$&');
    const action = isFile(option) ? '_files' : choices.length > 0 ? `(${choices.join(' ')})` : '';
    const argument = value === undefined ? '' : `:${value}:${action}`;
    return namesOf(option).map((name) => quoted(`*${name}[${said}]${argument}`));
  });
}

function zshArguments(indent: string, options: readonly OptionEntry[]): string {
  return [`${indent}_arguments -s -S`, ...zshSpecs(options), quoted('*:name:_files')].join(
    ` \\\n${indent}  `,
  );
}

function zsh(syncClient: CommandTable, verbs: readonly CommandTable[]): string {
  return [
    '#compdef sync_client cyrus-sync',
    '',
    '_sync_client() {',
    zshArguments('  ', syncClient.options),
    '}',
    '',
    '_cyrus_sync_verbs() {',
    '  local -a verbs',
    '  verbs=(',
    ...verbs.map(({ verb, summary }) => `    ${quoted(`${verb}:${summary}`)}`),
    '  )',
    "  _describe 'verb' verbs",
    '}',
    '',
    'if [[ $service == sync_client ]]; then',
    '  _sync_client "$@"',
    'elif (( CURRENT == 2 )); then',
    '  _cyrus_sync_verbs',
    'else',
    '  shift words',
    '  (( CURRENT-- ))',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    '  case ${words[1]} in',
    ...verbs.flatMap(({ verb, options }) => [`  ${verb})`, `${zshArguments('    ', options)} ;;`]),
    '  esac',
    'fi',
    '',
  ].join('\n');
}

function fishOption(program: string, condition: string, option: OptionEntry): string {
  const { short, long, value, choices, description } = option;
  return [
    `complete -c ${program}`,
    condition,
    short === undefined ? '' : `-s ${short.slice(1)}`,
    long === undefined ? '' : `-l ${long.slice(2)}`,
    value === undefined ? '' : isFile(option) ? '-r' : '-x',
    choices.length > 0 ? `-a ${quoted(choices.join(' '))}` : '',
    // In fish a backslash counts inside single quotes too.
    `-d ${quoted(description.replaceAll('\\', '\\\\'))}`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function fishOfOne({ program, options }: CommandTable): string {
  return `${options.map((option) => fishOption(program, '', option)).join('\n')}\n`;
}

function fishOfVerbs(verbs: readonly CommandTable[]): string {
  return [
    ...verbs.map(
      ({ verb, summary }) =>
        `complete -c cyrus-sync -n __fish_use_subcommand -x -a ${verb} -d ${quoted(summary)}`,
    ),
    ...verbs.flatMap(({ verb, options }) =>
      options.map((option) =>
        fishOption('cyrus-sync', `-n ${quoted(`__fish_seen_subcommand_from ${verb}`)}`, option),
      ),
    ),
    '',
  ].join('\n');
}
