/**
 * The door of `config`. Here are imapd.conf in Cyrus's own grammar, with `@include` and the options of channels, and the
 * program's own settings file. It may open files through `native` and is imported by `cli` alone. A value that Cyrus takes is
 * taken to mean the same here; one that it would pass over in silence is an error with file and line; secrets are shown to
 * nobody.
 */

import { textFromBytes } from '../byte-string.ts';
import { shownValue } from '../report/shown-value.ts';
import type { ConfigFile } from './check-file-modes.ts';
import { configError, type Position, placeText } from './config-error.ts';
import { type ConfigLine, configLines, type ReadConfigFile, readFromDisk } from './imapd-conf-lines.ts';
import { isSecret } from './is-secret.ts';
import { knownType, type OptionType } from './known-type.ts';
import {
  type CHANNEL_OPTIONS,
  type NameOf,
  OPTIONS,
  type OptionDefinition,
  optionDefinition,
} from './options.ts';
import {
  BYTE_SIZE_FORMS,
  DURATION_FORMS,
  enumWord,
  INTEGER_FORMS,
  parseByteSize,
  parseDuration,
  parseInteger,
  parseSwitch,
  SWITCH_FORMS,
  wordsOf,
} from './values.ts';

/** The name under which Cyrus looks for `sync_client_X` overrides. */
const IDENT_PREFIX = 'sync_client_';
const DIRECTORY_VARIABLE = '{configdirectory}';
export const DEFAULT_CONFIG_FILE = '/etc/imapd.conf';

interface Known extends ConfigLine {
  /** Given as `sync_client_X`. */
  forService: boolean;
}

export type ChannelOption = (typeof CHANNEL_OPTIONS)[number];
type StringName = NameOf<'STRING'>;

/**
 * imapd.conf as `sync_client` sees it: typed accessors over an immutable snapshot. Values are octets; `text()` gives
 * them as UTF-8 text, for paths and host names.
 *
 * @throws SyncError CONFIG from the constructor for everything that Cyrus refuses, with file and line
 */
export class ImapdConfig {
  /** The main file, as asked for. */
  readonly file: string;
  readonly #known = new Map<string, Known>();
  readonly #overflow = new Map<string, ConfigLine>();
  readonly #opened: readonly string[];
  readonly #withSecrets = new Set<string>();
  readonly #configdirectory: string;

  /**
   * @param opened by whoever reads the lines, as they are read
   * @param describesStore it is of the host whose mail is read, so that it must say where
   */
  constructor(file: string, lines: Iterable<ConfigLine>, opened: readonly string[], describesStore = true) {
    this.file = file;
    this.#opened = opened;
    for (const line of lines) {
      if (isSecret(line.key)) this.#withSecrets.add(line.path);
      this.#add(line);
    }
    this.#configdirectory = this.#checkedConfigDirectory(describesStore);
    this.#checkDefaultPartition();
    Object.freeze(this);
  }

  /** Octets; undefined when unset and without a default. `{configdirectory}` at the start is replaced. */
  string(name: StringName): string | undefined {
    const definition: OptionDefinition = OPTIONS[name];
    if (definition.type !== 'STRING') return undefined;
    const given =
      this.#known.get(name) ??
      (definition.formerly === undefined ? undefined : this.#known.get(definition.formerly));
    const value = given?.value ?? definition.initial;
    if (value === undefined || name === 'configdirectory') return value;
    return value.toLowerCase().startsWith(DIRECTORY_VARIABLE)
      ? this.#configdirectory + value.slice(DIRECTORY_VARIABLE.length)
      : value;
  }

  text(name: StringName): string | undefined {
    return asText(this.string(name));
  }

  /** Never absent where a store is described: without it the constructor throws. */
  get configdirectory(): string {
    return textFromBytes(this.#configdirectory);
  }

  switch(name: NameOf<'SWITCH'>): boolean {
    const given = this.#known.get(name);
    return given === undefined ? OPTIONS[name].initial : parseSwitch(given.value) === true;
  }

  integer(name: NameOf<'INT'>): number {
    const given = this.#known.get(name);
    return (given === undefined ? undefined : parseInteger(given.value)) ?? OPTIONS[name].initial;
  }

  /** Seconds. */
  duration(name: NameOf<'DURATION'>): number {
    const { initial, unit } = OPTIONS[name];
    const given = this.#known.get(name);
    return parseDuration(given?.value ?? initial, unit) ?? 0;
  }

  /** The one word of an ENUM or STRINGLIST option. */
  word<Name extends NameOf<'ENUM' | 'STRINGLIST'>>(name: Name): (typeof OPTIONS)[Name]['words'][number] {
    const { type, initial, words } = OPTIONS[name];
    const given = this.#known.get(name)?.value ?? initial;
    const word = type === 'ENUM' ? enumWord(given) : given;
    return words.find((allowed) => allowed === word) ?? initial;
  }

  /** The words of a BITFIELD option, in Cyrus's order, each once. */
  words(name: NameOf<'BITFIELD'>): readonly string[] {
    const given = wordsOf(this.#known.get(name)?.value ?? '');
    return OPTIONS[name].words.filter((word) => given.includes(word));
  }

  /** A key that Cyrus has no table entry for; `sync_client_KEY` wins over KEY. No `{configdirectory}` here. */
  overflow(key: string): string | undefined {
    return this.#overflowLine(key)?.value;
  }

  /**
   * All overflow keys that begin with `prefix`, the prefix removed; `sync_client_` overrides applied.
   * For `partition-NAME` and its kin.
   */
  overflowsWithPrefix(prefix: string): Map<string, string> {
    const found = new Map<string, string>();
    for (const key of this.#overflow.keys()) {
      const plain = key.startsWith(IDENT_PREFIX) ? key.slice(IDENT_PREFIX.length) : key;
      const value = this.overflow(plain);
      if (plain.startsWith(prefix) && value !== undefined) found.set(plain.slice(prefix.length), value);
    }
    return found;
  }

  /**
   * `CHANNEL_<option>` if there is one, else the option itself (store 1.3). Keys are lower-cased when the file is read
   * and the channel is not, so a channel with capitals has no overrides, as in Cyrus.
   */
  channelString(channel: string | undefined, name: ChannelOption & StringName): string | undefined {
    return this.#channelLine(channel, name)?.value ?? this.string(name);
  }

  channelText(channel: string | undefined, name: ChannelOption & StringName): string | undefined {
    return asText(this.channelString(channel, name));
  }

  /**
   * Takes every spelling of a switch. The C client reads the channel's form with atoi, so that its
   * `CHANNEL_sync_try_imap: yes` means no and only a number other than 0 means yes; nobody who writes `yes` wants that.
   */
  channelSwitch(channel: string | undefined, name: ChannelOption & NameOf<'SWITCH'>): boolean {
    const given = this.#channelLine(channel, name);
    if (given === undefined) return this.switch(name);
    return parseSwitch(given.value) ?? refuse(given, SWITCH_FORMS);
  }

  /** Seconds. */
  channelDuration(channel: string | undefined, name: ChannelOption & NameOf<'DURATION'>): number {
    const given = this.#channelLine(channel, name);
    if (given === undefined) return this.duration(name);
    return parseDuration(given.value, OPTIONS[name].unit) ?? refuse(given, DURATION_FORMS);
  }

  /** Where a known option or an overflow key was given, for messages about its value. */
  placeOf(key: string): Position | undefined {
    return this.#known.get(key) ?? this.#overflowLine(key);
  }

  /** All that was read, the main file first, by the names that they were opened by. */
  get files(): ConfigFile[] {
    return this.#opened.map((path) => ({ path, holdsSecret: this.#withSecrets.has(path) }));
  }

  #channelLine(channel: string | undefined, name: ChannelOption): ConfigLine | undefined {
    return channel === undefined ? undefined : this.#overflowLine(`${channel}_${name}`);
  }

  #overflowLine(key: string): ConfigLine | undefined {
    return this.#overflow.get(`${IDENT_PREFIX}${key}`.toLowerCase()) ?? this.#overflow.get(key);
  }

  #add(line: ConfigLine): void {
    const ofService = line.key.startsWith(IDENT_PREFIX) ? line.key.slice(IDENT_PREFIX.length) : undefined;
    const forService = ofService !== undefined && knownType(ofService) !== undefined;
    const name = forService ? ofService : line.key;
    const type = knownType(name);
    const before = type === undefined ? this.#overflow.get(name) : this.#known.get(name);
    if (type === undefined) {
      if (before !== undefined) refuseTwice(line, before);
      this.#overflow.set(name, line);
      return;
    }
    const known = this.#known.get(name);
    if (known?.forService === forService) refuseTwice(line, known);
    // The service's own setting stands whatever follows; Cyrus does not even look at the general one then.
    if (known?.forService) return;
    checkValue(name, type, line);
    this.#known.set(name, { ...line, forService });
  }

  #checkedConfigDirectory(isNeeded: boolean): string {
    const given = this.#known.get('configdirectory');
    if (given === undefined && !isNeeded) return '';
    if (given === undefined) {
      throw configError(
        this.file,
        'expected the option configdirectory, found none',
        'add configdirectory: PATH',
      );
    }
    if (!given.value.startsWith('/') || given.value === '/') {
      refuse(given, 'an absolute path below / for configdirectory');
    }
    return given.value;
  }

  #checkDefaultPartition(): void {
    const given = this.#known.get('defaultpartition');
    if (given === undefined) return;
    if (!/^[A-Za-z0-9]+$/.test(given.value)) refuse(given, 'letters and digits only for defaultpartition');
    const key = `partition-${given.value.toLowerCase()}`;
    if (this.overflow(key) === undefined) {
      throw configError(given, `expected the option ${key} beside this defaultpartition, found none`);
    }
  }
}

/**
 * @param file -C; default /etc/imapd.conf
 * @param describesStore see ImapdConfig
 * @throws SyncError CONFIG
 */
export function readImapdConfig(
  file: string = DEFAULT_CONFIG_FILE,
  environment: NodeJS.ProcessEnv = {},
  read: ReadConfigFile = readFromDisk,
  describesStore = true,
): ImapdConfig {
  const opened: string[] = [];
  const noting: ReadConfigFile = (path) => {
    const content = read(path);
    opened.push(path);
    return content;
  };
  return new ImapdConfig(file, configLines(file, environment.CYRUS_PREFIX, noting), opened, describesStore);
}

function asText(bytes: string | undefined): string | undefined {
  return bytes === undefined ? undefined : textFromBytes(bytes);
}

/** Refuses what Cyrus would refuse. Words of options that are not read here differ by release and are let pass. */
function checkValue(name: string, type: OptionType, line: ConfigLine): void {
  const { value } = line;
  const definition = optionDefinition(name);
  if (type === 'SWITCH' && parseSwitch(value) === undefined) refuse(line, SWITCH_FORMS);
  if (type === 'INT' && parseInteger(value) === undefined) refuse(line, INTEGER_FORMS);
  if (type === 'DURATION' && parseDuration(value) === undefined) refuse(line, DURATION_FORMS);
  // Many sizes were plain integers before 3.8, in hexadecimal for all we know.
  if (type === 'BYTESIZE' && parseByteSize(value) === undefined && parseInteger(value) === undefined) {
    refuse(line, BYTE_SIZE_FORMS);
  }
  if (definition === undefined || !('words' in definition)) return;
  const given =
    definition.type === 'BITFIELD' ? wordsOf(value) : [definition.type === 'ENUM' ? enumWord(value) : value];
  for (const word of given) {
    if (!definition.words.includes(word)) refuse(line, `one of ${definition.words.join(', ')}`, word);
  }
}

function refuse(line: ConfigLine, expected: string, found: string = line.value): never {
  const shown = isSecret(line.key) ? 'something else' : shownValue(textFromBytes(found));
  throw configError(line, `${line.key}: expected ${expected}, found ${shown}`);
}

function refuseTwice(line: ConfigLine, before: ConfigLine): never {
  throw configError(
    line,
    `expected each option once, but ${line.key} is already set at ${placeText(before)}`,
    'remove one of the two lines',
  );
}
