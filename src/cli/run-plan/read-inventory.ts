import { dirname, resolve } from 'node:path';
import { parse } from 'ini';
import { textFromBytes } from '../../byte-string.ts';
import { configError, type Position } from '../../config/config-error.ts';
import { keyAlone, settingPositions } from '../../config/setting-positions.ts';
import { BYTE_SIZE_FORMS, DURATION_FORMS, parseByteSize, parseDuration } from '../../config/values.ts';
import { globFault } from '../../coordinator/run/choice.ts';
import { HOURS_FORM, parseHours } from '../../fleet/planner/hours.ts';
import {
  FLEET_NAME,
  FLEET_NAME_FORM,
  type Inventory,
  type Master,
  type Replica,
  type WaveRule,
} from '../../fleet/planner/inventory.ts';
import { LEAST_SLICE_SECONDS } from '../../fleet/planner/plan-fleet.ts';
import { readNamedFile } from '../../native/open-regular.ts';
import { parseRate, RATE_FORMS } from '../../operate/throttle/timetable.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { readNameList } from './read-name-list.ts';

/** Lists of names are files of their own, so that this is written by a person. */
const MOST_OCTETS = 4 * 1024 ** 2;
/** Seconds of work in a slice: long enough for the way over the queue not to count, short enough to be lost. */
const DEFAULT_SLICE_SECONDS = 60;
/** The pace of one slice, where nothing was measured: an ordinary disk that waits for each message. */
const DEFAULT_RATE = 10_000_000;
const DEFAULT_MESSAGE_RATE = 200;
const DEFAULT_SLICES = 2;
const MOST_SLICES = 1_000;
const MOST_CONNECTIONS = 10_000;

/** `fleet pause all`. */
const EVERY_REPLICA = 'all';

const SECTION = /^(master|replica|wave) (.+)$/;

const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': ['fleet', 'rate', 'message_rate', 'slice'],
  master: ['server', 'settings', 'users', 'slices', 'hours'],
  replica: ['server', 'channel', 'slices', 'connections', 'bwlimit', 'space', 'hours'],
  wave: ['users', 'match', 'masters', 'replicas', 'by'],
};

/** An inventory, and where the lists of users are that it names. */
export interface ReadInventory {
  inventory: Inventory;
  /** By the name of the master: a file of users and sizes; none: the master is to be asked. */
  userFiles: ReadonlyMap<string, string>;
}

/** @throws SyncError CONFIG with file and line; IO for a list that cannot be read */
export function readInventory(file: string): ReadInventory {
  let content: string;
  try {
    content = readNamedFile(file, MOST_OCTETS).toString('utf8');
  } catch (caught) {
    const { message } = SyncError.from(caught);
    throw configError(file, `expected a readable inventory: ${message}`, undefined, caught);
  }
  return parseInventory(content, file, (list, option) =>
    readNameList(list, option).map(({ name }) => textFromBytes(name)),
  );
}

/**
 * @param readList of names, by its path
 * @throws SyncError CONFIG
 */
export function parseInventory(
  content: string,
  file: string,
  readList: (list: string, option: string) => string[],
): ReadInventory {
  const known = Object.values(KEYS).flat();
  const places = settingPositions(content, file, (key) => known.includes(key));
  const sections = sectionsOf(parse(content));
  const top = new Section(sections.get('') ?? {}, '', places.get);
  const masters: Master[] = [];
  const replicas: Replica[] = [];
  const waves: WaveRule[] = [];
  const userFiles = new Map<string, string>();
  const beside = (path: string): string => resolve(dirname(file), path);
  for (const { name: title, place } of places.sections) {
    if (title === '') continue;
    const [, kind = '', name = ''] = SECTION.exec(title) ?? [];
    if (!FLEET_NAME.test(name)) {
      throw configError(
        place,
        `expected [master NAME], [replica NAME] or [wave NAME], found [${title}]`,
        `a name has ${FLEET_NAME_FORM}`,
      );
    }
    const section = new Section(sections.get(title) ?? {}, title, places.get, KEYS[kind]);
    const gate = { name, slices: section.count('slices', MOST_SLICES) ?? DEFAULT_SLICES };
    const hours = () => section.read('hours', HOURS_FORM, parseHours);
    if (kind === 'master') {
      const settings = section.text('settings');
      masters.push({ ...gate, server: section.text('server'), settings, hours: hours() });
      const users = section.text('users');
      if (users !== undefined) userFiles.set(name, beside(users));
    } else if (kind === 'replica') {
      const connections = section.count('connections', MOST_CONNECTIONS);
      if (connections !== undefined && connections < gate.slices) {
        throw configError(
          places.get(title, 'connections'),
          `connections in [${title}]: expected one for each of its slices at least (${gate.slices} at once), found ${connections}`,
          'slices = N in that section says how many are at work at once',
        );
      }
      if (name === EVERY_REPLICA) {
        throw configError(
          place,
          `expected another name than ${name}, which means all of them, in [${title}]`,
        );
      }
      replicas.push({
        ...gate,
        server: section.required('server'),
        channel: section.text('channel'),
        connections,
        octetsPerSecond: section.rate('bwlimit'),
        space: section.size('space'),
        hours: hours(),
      });
    } else {
      waves.push(waveRule(name, section, (list) => readList(beside(list), `users of [${title}]`)));
    }
  }
  checkNames(masters, replicas, waves, (section, key) => places.get(section, key), file);
  return {
    inventory: {
      fleet:
        top.read('fleet', FLEET_NAME_FORM, (text) => (FLEET_NAME.test(text) ? text : undefined)) ?? 'fleet',
      ...{ masters, replicas, waves },
      pace: {
        octetsPerSecond: top.size('rate') ?? DEFAULT_RATE,
        messagesPerSecond: top.count('message_rate', Number.MAX_SAFE_INTEGER) ?? DEFAULT_MESSAGE_RATE,
      },
      sliceSeconds:
        top.read('slice', `${DURATION_FORMS}, from ${LEAST_SLICE_SECONDS}s on`, sliceSeconds) ??
        DEFAULT_SLICE_SECONDS,
    },
    userFiles,
  };
}

function waveRule(name: string, section: Section, readList: (list: string) => string[]): WaveRule {
  const list = section.text('users');
  return {
    name,
    users: list === undefined ? undefined : readList(list),
    match: section.words('match').map((glob) => section.check('match', glob, globFault)),
    masters: section.words('masters'),
    replicas: section.words('replicas'),
    by:
      section.read('by', 'least-full or hash', (text) =>
        text === 'hash' || text === 'least-full' ? text : undefined,
      ) ?? 'least-full',
  };
}

function sliceSeconds(text: string): number | undefined {
  const seconds = parseDuration(text);
  return seconds !== undefined && seconds >= LEAST_SLICE_SECONDS ? seconds : undefined;
}

/** @throws SyncError CONFIG for names of nobody, and for an inventory that nothing can be planned of */
function checkNames(
  masters: readonly Master[],
  replicas: readonly Replica[],
  waves: readonly WaveRule[],
  placeOf: (section: string, key: string) => Position,
  file: string,
): void {
  const kinds = { master: masters, replica: replicas, wave: waves };
  for (const [kind, some] of Object.entries(kinds)) {
    if (some.length === 0) throw configError(file, `expected at least one [${kind} NAME], found none`);
  }
  for (const wave of waves) {
    const section = `wave ${wave.name}`;
    if (wave.replicas.length === 0)
      throw configError(placeOf(section, ''), `[${section}]: expected replicas = NAME ...`);
    for (const [key, kind, names] of [
      ['masters', 'master', wave.masters],
      ['replicas', 'replica', wave.replicas],
    ] as const) {
      const found = kinds[kind].map(({ name }) => name);
      const unknown = names.find((name) => !found.includes(name));
      if (unknown === undefined) continue;
      throw configError(
        placeOf(section, key),
        `${key} in [${section}]: expected names of [${kind} NAME] (${found.join(', ')}), found ${shownValue(unknown)}`,
      );
    }
  }
}

/** One section of the file, whose values are read once each by a rule of their own. */
class Section {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #name: string;
  readonly #placeOf: (section: string, key: string) => Position;

  constructor(
    values: Readonly<Record<string, unknown>>,
    name: string,
    placeOf: (section: string, key: string) => Position,
    keys: readonly string[] = KEYS[''] ?? [],
  ) {
    this.#values = values;
    this.#name = name;
    this.#placeOf = placeOf;
    for (const key of Object.keys(values)) {
      if (keys.includes(key)) continue;
      throw configError(
        placeOf(name, key),
        `expected a known key${this.#where}, found ${keyAlone(key)}`,
        `known keys: ${keys.join(', ')}`,
      );
    }
  }

  text(key: string): string | undefined {
    const value = this.#values[key];
    return value === undefined ? undefined : String(value);
  }

  required(key: string): string {
    const text = this.text(key);
    if (text !== undefined && text !== '') return text;
    throw configError(this.#placeOf(this.#name, key), `expected ${key} = VALUE${this.#where}`);
  }

  read<T>(key: string, expected: string, parseText: (text: string) => T | undefined): T | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const value = parseText(text);
    if (value !== undefined) return value;
    throw configError(
      this.#placeOf(this.#name, key),
      `${key}${this.#where}: expected ${expected}, found ${shownValue(text)}`,
    );
  }

  count(key: string, most: number): number | undefined {
    return this.read(key, `a whole number from 1 to ${most}`, (text) => {
      const number = /^[0-9]+$/.test(text) ? Number(text) : 0;
      return number >= 1 && number <= most ? number : undefined;
    });
  }

  /** @returns octets */
  size(key: string): number | undefined {
    return this.read(key, `${BYTE_SIZE_FORMS}, or with T`, (text) => {
      const [, terabytes] = /^([0-9]+)T$/i.exec(text) ?? [];
      const octets =
        terabytes === undefined ? parseByteSize(text) : parseByteSize(`${Number(terabytes) * 1_024}G`);
      return octets !== undefined && octets > 0 ? octets : undefined;
    });
  }

  /** @returns octets a second, counted as `--bwlimit` does; undefined where there is no limit */
  rate(key: string): number | undefined {
    const rate = this.read(key, RATE_FORMS, parseRate);
    return rate === 'off' ? undefined : rate;
  }

  words(key: string): string[] {
    return (this.text(key) ?? '').split(/[\s,]+/).filter((word) => word !== '');
  }

  check(key: string, text: string, fault: (text: string) => string | undefined): string {
    const found = fault(text);
    if (found === undefined) return text;
    throw configError(
      this.#placeOf(this.#name, key),
      `${key}${this.#where}: ${found}, found ${shownValue(text)}`,
    );
  }

  get #where(): string {
    return this.#name === '' ? '' : ` in [${this.#name}]`;
  }
}

/** `ini` nests a section at the dots of its name. */
function sectionsOf(parsed: object): Map<string, Record<string, unknown>> {
  const sections = new Map<string, Record<string, unknown>>();
  const visit = (name: string, values: object): void => {
    const own: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(values)) {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        visit(name === '' ? key : `${name}.${key}`, value);
      else own[Array.isArray(value) ? `${key}[]` : key] = value;
    }
    sections.set(name, own);
  };
  visit('', parsed);
  return sections;
}
