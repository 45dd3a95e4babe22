import { parse } from 'ini';
import { readNamedFile } from '../native/open-regular.ts';
import { shownValue } from '../report/shown-value.ts';
import { SyncError } from '../report/sync-error.ts';
import type { ConfigFile } from './check-file-modes.ts';
import { configError, type Position } from './config-error.ts';
import { MAX_CONFIGURATION_OCTETS } from './imapd-conf-lines.ts';
import { isSecret } from './is-secret.ts';
import { LISTEN_ADDRESS_FORMS, type ListenAddress, parseListenAddress } from './listen-address.ts';
import { keyAlone, settingPositions } from './setting-positions.ts';
import { BYTE_SIZE_FORMS, DURATION_FORMS, parseByteSize, parseDuration, wordsOf } from './values.ts';

/** Our own settings, for which imapd.conf has no word: all of them set. Frozen. */
export interface Settings {
  /** Where they were read from. */
  file: ConfigFile | undefined;
  /** There is a section [channel NAME] of this channel. */
  hasChannelSection: boolean;
  /** Connections at most; `auto`: as many as the rate of work tells. */
  workers: number | 'auto';
  /** Jobs of a batch that are under way at once. */
  lookAhead: number;
  /** Octets of unanswered commands per connection. */
  windowOctets: number;
  compression: 'auto' | 'on' | 'off';
  /** zlib level 1 to 9; undefined = the connection chooses. */
  compressionLevel: number | undefined;
  tls: 'auto' | 'required' | 'off';
  tlsVerify: boolean;
  /** SHA-256 of the certificates that the replica may have, as `AA:BB:...`. */
  tlsFingerprint: readonly string[];
  allowClearText: boolean;
  userLock: 'auto' | 'userid' | 'inbox';
  /** How the Cyrus of this host locks: the same for all channels. */
  locks: 'fcntl' | 'flock';
  /** `always`: other threads do all the work, where otherwise the main thread does what it can alone. */
  threads: 'auto' | 'always';
  /** undefined = only where somebody watches. */
  progress: boolean | undefined;
  lockedRetrySeconds: number;
  /** Rolling mode ends, with success, when the replica goes away, as the C client does. */
  exitWhenReplicaGone: boolean;
  /** Seconds between two log lines on how far behind rolling mode is; 0 = none. */
  backlogReportSeconds: number;
  /** Seconds in which rolling mode compares each user once; 0 = never. */
  fullPassSeconds: number;
  /** Octets a second, or a timetable of them; what is wrong with it is said by whoever reads it. */
  bwlimit: string | undefined;
  pauseFile: string | undefined;
  pauseUrl: string | undefined;
  maxLoad: string | undefined;
  /** Programs that are called when something has happened. */
  onFailure: string | undefined;
  onQuarantine: string | undefined;
  onLag: string | undefined;
  onDone: string | undefined;
  /** Seconds: a channel is behind when its oldest line is older. */
  lagLimitSeconds: number;
  /** Where the control socket is, or `off`. */
  control: string | undefined;
  /** Applies to the master what conflict resolution changes there: `private`, `none`, or a server as for -S. */
  master: string;
  masterUser: string | undefined;
  masterPassword: string | undefined;
  /** SHA-256 of the certificates that the master's server may have (`master` = a server, `--from`), as `AA:BB:...`. */
  masterFingerprint: readonly string[];
  /** The replica's IMAP server, as for -S, where replication does not go by IMAP; undefined = not known. */
  replicaImap: string | undefined;
  /** Cyrus's own program, for `private`; undefined = where packages put it. */
  syncServer: string | undefined;
  /** Where metrics and the status page are; undefined = nowhere. */
  metrics: ListenAddress | undefined;
  /** Who has it may change what a run does, and look from another host. */
  metricsToken: string | undefined;
  metricsCertificate: string | undefined;
  metricsKey: string | undefined;
}

export const DEFAULT_SETTINGS_FILE = '/etc/cyrus-sync.ini';
/** Names the settings file where `--settings` does not. */
export const SETTINGS_VARIABLE = 'CYRUS_SYNC_SETTINGS';

export const MOST_WORKERS = 64;
const MOST_LOOK_AHEAD = 64;
/** Less than a large command is no window, more is memory lost to a slow replica. */
const WINDOW_OCTETS = { least: 64 * 1024, most: 1024 ** 3 };
const MOST_LOCKED_RETRY_SECONDS = 3_600;
const MOST_BACKLOG_REPORT_SECONDS = 86_400;
const FULL_PASS_SECONDS = { least: 1, most: 90 * 86_400 };

export function defaultSettings(): Settings {
  return Object.freeze({
    file: undefined,
    hasChannelSection: false,
    workers: 'auto',
    lookAhead: 32,
    // 100 ms of round trip at 300 Mbit/s.
    windowOctets: 4 * 1024 ** 2,
    compression: 'auto',
    compressionLevel: undefined,
    tls: 'auto',
    tlsVerify: true,
    tlsFingerprint: [],
    masterFingerprint: [],
    allowClearText: false,
    userLock: 'auto',
    locks: 'fcntl',
    threads: 'auto',
    progress: undefined,
    lockedRetrySeconds: 5,
    exitWhenReplicaGone: false,
    backlogReportSeconds: 300,
    fullPassSeconds: 0,
    bwlimit: undefined,
    pauseFile: undefined,
    pauseUrl: undefined,
    maxLoad: undefined,
    onFailure: undefined,
    onQuarantine: undefined,
    onLag: undefined,
    onDone: undefined,
    lagLimitSeconds: 600,
    control: undefined,
    master: 'private',
    masterUser: undefined,
    masterPassword: undefined,
    replicaImap: undefined,
    syncServer: undefined,
    metrics: undefined,
    metricsToken: undefined,
    metricsCertificate: undefined,
    metricsKey: undefined,
  });
}

/** The value of one key, or undefined if it is not as `expected` says. */
interface Rule {
  expected: string;
  read(value: string): Partial<Settings> | undefined;
}

const within = (number: number | undefined, least: number, most: number): number | undefined =>
  number !== undefined && number >= least && number <= most ? number : undefined;

const whole = (value: string): number | undefined => (/^[0-9]+$/.test(value) ? Number(value) : undefined);

function rule<Value>(
  expected: string,
  parseValue: (value: string) => Value | undefined,
  setting: (value: Value) => Partial<Settings>,
): Rule {
  return {
    expected,
    read: (text) => {
      const value = parseValue(text);
      return value === undefined ? undefined : setting(value);
    },
  };
}

const count = (least: number, most: number, setting: (value: number) => Partial<Settings>): Rule =>
  rule(`a whole number from ${least} to ${most}`, (text) => within(whole(text), least, most), setting);

const nonEmpty = (text: string): string | undefined => (text === '' ? undefined : text);
/** Shorter ones can be tried out. */
const token = (text: string): string | undefined => (/^[!-~]{16,}$/.test(text) ? text : undefined);
/** Several, where a certificate is about to be replaced. `openssl x509 -fingerprint` puts a word in front. */
function fingerprints(text: string): readonly string[] | undefined {
  const bare = text.replaceAll(/sha256(?: fingerprint=|:)/gi, '').replaceAll(',', ' ');
  const digits = wordsOf(bare).map((word) => word.replaceAll(':', '').toUpperCase());
  if (digits.length === 0 || !digits.every((each) => /^[0-9A-F]{64}$/.test(each))) return undefined;
  return digits.map((each) => each.replace(/(..)(?=.)/g, '$1:'));
}

const pinned = (setting: (value: readonly string[]) => Partial<Settings>): Rule =>
  rule('SHA-256 fingerprints of 64 hexadecimal digits, with colons or without', fingerprints, setting);

const absolutePath = (text: string): string | undefined => (text.startsWith('/') ? text : undefined);

function choice<const Word extends string>(
  words: readonly Word[],
  setting: (value: Word) => Partial<Settings>,
): Rule {
  return rule(`one of ${words.join(', ')}`, (text) => words.find((word) => word === text), setting);
}

const YES = ['yes', 'on', 'true', '1'];
const NO = ['no', 'off', 'false', '0'];
const toggle = (setting: (value: boolean) => Partial<Settings>): Rule =>
  rule('yes or no', (text) => (YES.includes(text) ? true : NO.includes(text) ? false : undefined), setting);

const RULES: ReadonlyMap<string, Rule> = new Map([
  [
    'workers',
    rule(
      `auto or a whole number from 1 to ${MOST_WORKERS}`,
      (text) => (text === 'auto' ? text : within(whole(text), 1, MOST_WORKERS)),
      (workers) => ({ workers }),
    ),
  ],
  ['look_ahead', count(1, MOST_LOOK_AHEAD, (lookAhead) => ({ lookAhead }))],
  [
    'window',
    rule(
      `${BYTE_SIZE_FORMS}, from 64K to 1G`,
      (text) => within(parseByteSize(text), WINDOW_OCTETS.least, WINDOW_OCTETS.most),
      (windowOctets) => ({ windowOctets }),
    ),
  ],
  ['compression', choice(['auto', 'on', 'off'], (compression) => ({ compression }))],
  ['compression_level', count(1, 9, (compressionLevel) => ({ compressionLevel }))],
  ['tls', choice(['auto', 'required', 'off'], (tls) => ({ tls }))],
  ['tls_verify', toggle((tlsVerify) => ({ tlsVerify }))],
  ['tls_fingerprint', pinned((tlsFingerprint) => ({ tlsFingerprint }))],
  ['allow_clear_text', toggle((allowClearText) => ({ allowClearText }))],
  ['user_lock', choice(['auto', 'userid', 'inbox'], (userLock) => ({ userLock }))],
  ['locks', choice(['fcntl', 'flock'], (locks) => ({ locks }))],
  ['threads', choice(['auto', 'always'], (threads) => ({ threads }))],
  ['progress', toggle((progress) => ({ progress }))],
  [
    'locked_retry',
    rule(
      `${DURATION_FORMS}, from 1s to 1h`,
      (text) => within(parseDuration(text), 1, MOST_LOCKED_RETRY_SECONDS),
      (lockedRetrySeconds) => ({ lockedRetrySeconds }),
    ),
  ],
  ['exit_when_replica_gone', toggle((exitWhenReplicaGone) => ({ exitWhenReplicaGone }))],
  [
    'backlog_report',
    rule(
      `${DURATION_FORMS}, from 0 to 1d`,
      (text) => within(parseDuration(text), 0, MOST_BACKLOG_REPORT_SECONDS),
      (backlogReportSeconds) => ({ backlogReportSeconds }),
    ),
  ],
  [
    'full_pass',
    rule(
      `${DURATION_FORMS}, from 1s to 90d, or 0`,
      (text) => {
        const seconds = parseDuration(text);
        return seconds === 0 ? 0 : within(seconds, FULL_PASS_SECONDS.least, FULL_PASS_SECONDS.most);
      },
      (fullPassSeconds) => ({ fullPassSeconds }),
    ),
  ],
  ['bwlimit', rule('octets a second, or a timetable', nonEmpty, (bwlimit) => ({ bwlimit }))],
  ['pause_file', rule('the path of a file', absolutePath, (pauseFile) => ({ pauseFile }))],
  ['pause_url', rule('an http or https address', nonEmpty, (pauseUrl) => ({ pauseUrl }))],
  ['max_load', rule('a load, such as 8', nonEmpty, (maxLoad) => ({ maxLoad }))],
  ['on_failure', rule('the path of a program', absolutePath, (onFailure) => ({ onFailure }))],
  ['on_quarantine', rule('the path of a program', absolutePath, (onQuarantine) => ({ onQuarantine }))],
  ['on_lag', rule('the path of a program', absolutePath, (onLag) => ({ onLag }))],
  ['on_done', rule('the path of a program', absolutePath, (onDone) => ({ onDone }))],
  [
    'lag_limit',
    rule(
      `${DURATION_FORMS}, from 1s to 1d`,
      (text) => within(parseDuration(text), 1, MOST_BACKLOG_REPORT_SECONDS),
      (lagLimitSeconds) => ({ lagLimitSeconds }),
    ),
  ],
  ['control', rule('the path of a socket, or off', nonEmpty, (control) => ({ control }))],
  ['master', rule('private, none, or a server', nonEmpty, (master) => ({ master }))],
  ['master_user', rule('a user name', nonEmpty, (masterUser) => ({ masterUser }))],
  ['master_password', rule('a password', nonEmpty, (masterPassword) => ({ masterPassword }))],
  ['master_fingerprint', pinned((masterFingerprint) => ({ masterFingerprint }))],
  ['replica_imap', rule('a server', nonEmpty, (replicaImap) => ({ replicaImap }))],
  ['sync_server', rule('the path of a program', absolutePath, (syncServer) => ({ syncServer }))],
  ['metrics', rule(LISTEN_ADDRESS_FORMS, parseListenAddress, (metrics) => ({ metrics }))],
  [
    'metrics_token',
    rule('16 characters or more without a blank', token, (metricsToken) => ({ metricsToken })),
  ],
  [
    'metrics_certificate',
    rule('the path of a PEM file', absolutePath, (metricsCertificate) => ({ metricsCertificate })),
  ],
  ['metrics_key', rule('the path of a PEM file', absolutePath, (metricsKey) => ({ metricsKey }))],
]);

/** For the manual page, which has to name them all. */
export const SETTING_KEYS: readonly string[] = [...RULES.keys()];

/** Settings that all channels of this process share. */
const OF_THE_HOST = ['locks'];

const CHANNEL_SECTION = /^channel[ \t]+(\S.*)$/;

/**
 * The settings of one channel: defaults, then the global keys, then `[channel NAME]`. Every section is checked, whether
 * it is this channel's or not.
 *
 * @throws SyncError CONFIG with file, line, section, key, expected and found
 */
export function parseSettings(
  content: string,
  file: string,
  channel: string | undefined,
  defaults: Settings = defaultSettings(),
): Settings {
  const places = settingPositions(content, file, (key) => RULES.has(key));
  let global: Partial<Settings> = {};
  let own: Partial<Settings> = {};

  const visit = (section: string, values: object): void => {
    for (const [key, value] of Object.entries(values)) {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        // ini nests `[channel a.b]` at the dot; a channel's name may have one.
        visit(section === '' ? key : `${section}.${key}`, value);
        continue;
      }
      // ini takes `key[]` for a list; there are none here, so the spelling itself is the mistake.
      const spelled = Array.isArray(value) ? `${key}[]` : key;
      const read = readSetting(section, spelled, value, places.get(section, spelled));
      if (section === '') global = { ...global, ...read };
      else if (CHANNEL_SECTION.exec(section)?.[1] === channel) own = { ...own, ...read };
    }
  };
  for (const section of places.sections) {
    if (section.name !== '' && !CHANNEL_SECTION.test(section.name)) {
      throw configError(section.place, `expected a section [channel NAME], found [${section.name}]`);
    }
  }
  visit('', parse(content));
  const hasChannelSection = places.sections.some(
    ({ name }) => channel !== undefined && CHANNEL_SECTION.exec(name)?.[1] === channel,
  );
  const holdsSecret = [...RULES.keys()].some((key) => isSecret(key) && places.has(key));
  return Object.freeze({
    ...defaults,
    ...global,
    ...own,
    hasChannelSection,
    file: { path: file, holdsSecret },
  });
}

function readSetting(section: string, key: string, value: unknown, place: Position): Partial<Settings> {
  const where = section === '' ? '' : ` in [${section}]`;
  const known = RULES.get(key);
  if (known === undefined) {
    throw configError(
      place,
      `expected a known key${where}, found ${keyAlone(key)}`,
      `known keys: ${[...RULES.keys()].join(', ')}`,
    );
  }
  if (section !== '' && OF_THE_HOST.includes(key)) {
    throw configError(
      place,
      `expected ${key} above the first section, found it${where}`,
      'it says how the Cyrus of this host works, whatever the channel',
    );
  }
  const read = known.read(String(value));
  if (read === undefined) {
    const shown = isSecret(key) ? 'something else' : shownValue(String(value));
    throw configError(place, `${key}${where}: expected ${known.expected}, found ${shown}`);
  }
  return read;
}

const LET_READ =
  'let the user that Cyrus runs as read it (chgrp, chmod g+r): root can read it at a start alone, not at HUP or for a slice of a fleet';

/**
 * @param named `--settings`, or else $CYRUS_SYNC_SETTINGS: must exist then. Without either, the default file is read if it exists.
 * @throws SyncError CONFIG
 */
export function readSettings(
  named: string | undefined,
  channel: string | undefined,
  defaultFile: string = DEFAULT_SETTINGS_FILE,
): Settings {
  const file = named ?? defaultFile;
  let content: string;
  try {
    content = readNamedFile(file, MAX_CONFIGURATION_OCTETS).toString('utf8');
  } catch (caught) {
    const code = caught instanceof Error && 'code' in caught ? caught.code : undefined;
    if (code === undefined) throw caught;
    if (named === undefined && code === 'ENOENT') return defaultSettings();
    throw configError(
      file,
      `expected a readable settings file, but it cannot be opened (${caught instanceof SyncError ? caught.message : code})`,
      code === 'EACCES'
        ? LET_READ
        : named === undefined
          ? undefined
          : 'correct --settings or $CYRUS_SYNC_SETTINGS',
      caught,
    );
  }
  return parseSettings(content, file, channel);
}
