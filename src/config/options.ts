import type { DurationUnit } from './values.ts';

/**
 * The options of imapd.conf that are read here, with the defaults of Cyrus 3.6 (store 1.4). Names and types of all the
 * others are in option-names.ts.
 */
export interface StringOption {
  type: 'STRING';
  initial: string | undefined;
  /** Deprecated name that Cyrus still honours when this one is not given. */
  formerly?: string;
}
interface SwitchOption {
  type: 'SWITCH';
  initial: boolean;
}
interface IntegerOption {
  type: 'INT';
  initial: number;
}
interface DurationOption {
  type: 'DURATION';
  /** The default as Cyrus's own table has it. */
  initial: string;
  unit: DurationUnit;
}
interface WordOption {
  type: 'ENUM' | 'STRINGLIST';
  initial: string;
  words: readonly string[];
}
interface WordsOption {
  type: 'BITFIELD';
  initial: readonly string[];
  words: readonly string[];
}
export type OptionDefinition =
  | StringOption
  | SwitchOption
  | IntegerOption
  | DurationOption
  | WordOption
  | WordsOption;

const string = (initial?: string, formerly?: string): StringOption =>
  formerly === undefined ? { type: 'STRING', initial } : { type: 'STRING', initial, formerly };
const toggle = (initial: boolean): SwitchOption => ({ type: 'SWITCH', initial });
const integer = (initial: number): IntegerOption => ({ type: 'INT', initial });
const duration = (initial: string, unit: DurationUnit = 's'): DurationOption => ({
  type: 'DURATION',
  initial,
  unit,
});

/** Formats of any release: which one a file really has is seen from its magic. */
const DATABASES = ['flat', 'skiplist', 'sql', 'quotalegacy', 'twom', 'twoskip', 'zeroskip'] as const;
const database = (initial: (typeof DATABASES)[number], ...not: string[]): WordOption => ({
  type: 'STRINGLIST',
  initial,
  words: DATABASES.filter((format) => !not.includes(format)),
});

export const OPTIONS = {
  annotation_db: database('twoskip', 'flat', 'sql', 'quotalegacy'),
  annotation_db_path: string(),
  archive_enabled: toggle(false),
  auth_mech: { type: 'STRINGLIST', initial: 'unix', words: ['unix', 'pts', 'krb', 'krb5', 'mboxgroups'] },
  client_bind: toggle(false),
  client_bind_name: string(),
  client_timeout: duration('10s'),
  configdirectory: string(),
  conversations: toggle(false),
  conversations_db: database('skiplist', 'flat', 'quotalegacy'),
  cyrus_group: string(),
  cyrus_user: string(),
  debug: toggle(false),
  defaultdomain: string('internal'),
  defaultpartition: string(),
  deletedprefix: string('DELETED'),
  force_sasl_client_mech: string(),
  fulldirhash: toggle(false),
  hashimapspool: toggle(false),
  jmapsubmissionfolder: string('#jmapsubmission'),
  mboxlist_db: database('twoskip', 'quotalegacy'),
  mboxlist_db_path: string(),
  mboxname_lockpath: string(),
  metapartition_files: {
    type: 'BITFIELD',
    initial: [],
    words: ['header', 'index', 'cache', 'expunge', 'squat', 'annotations', 'lock', 'dav', 'archivecache'],
  },
  quota_db: database('quotalegacy'),
  quota_db_path: string(),
  reverseacls: toggle(false),
  improved_mboxlist_sort: toggle(false),
  seenstate_db: database('twoskip', 'sql', 'quotalegacy'),
  servername: string(),
  sieve_folder: string('#sieve'),
  sievedir: string('/usr/sieve'),
  sieveusehomedir: toggle(false),
  subscription_db: database('flat', 'sql', 'quotalegacy'),
  sync_authname: string(),
  sync_batchsize: integer(8192),
  sync_cache_db: database('twoskip', 'flat', 'quotalegacy'),
  sync_cache_db_path: string(),
  sync_host: string(),
  sync_log: toggle(false),
  sync_log_chain: toggle(false),
  sync_log_channels: string(),
  sync_log_unsuppressable_channels: string('squatter'),
  sync_password: string(),
  sync_port: string(),
  sync_realm: string(),
  sync_reconnect_maxwait: duration('20m'),
  sync_repeat_interval: duration('1s'),
  sync_shutdown_file: string(),
  sync_timeout: duration('30m'),
  sync_try_imap: toggle(true),
  syslog_facility: string(),
  syslog_prefix: string(),
  tcp_keepalive: toggle(false),
  tcp_keepalive_idle: duration('0'),
  tls_ciphers: string('DEFAULT', 'tls_cipher_list'),
  tls_client_cert: string(),
  tls_client_key: string(),
  tls_server_ca_dir: string(),
  tls_server_ca_file: string(),
  tls_versions: string('tls1_0 tls1_1 tls1_2 tls1_3'),
  unixhierarchysep: toggle(true),
  virtdomains: { type: 'ENUM', initial: 'off', words: ['off', 'userid', 'on'] },
} as const satisfies Readonly<Record<string, OptionDefinition>>;

export type OptionName = keyof typeof OPTIONS;

/** Names of the options of one type, so that an accessor cannot be asked for an option of another. */
export type NameOf<Type extends OptionDefinition['type']> = {
  [Name in OptionName]: (typeof OPTIONS)[Name]['type'] extends Type ? Name : never;
}[OptionName];

/** Options that `-n CHANNEL` may override as `CHANNEL_<option>` (store 1.3). */
export const CHANNEL_OPTIONS = [
  'sync_authname',
  'sync_cache_db_path',
  'sync_host',
  'sync_password',
  'sync_port',
  'sync_realm',
  'sync_repeat_interval',
  'sync_shutdown_file',
  'sync_try_imap',
] as const satisfies readonly OptionName[];

export function optionDefinition(name: string): OptionDefinition | undefined {
  return Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined;
}
