import type { Hours } from './hours.ts';

/** Names of fleets, masters, replicas and waves: they go into names of queues, slices and directories. */
export const FLEET_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
export const FLEET_NAME_FORM = 'letters, digits, - and _';

/** Everything that a plan is made of beside the users: as the operator wrote it, checked. Plain data. */
export interface Inventory {
  fleet: string;
  masters: readonly Master[];
  replicas: readonly Replica[];
  waves: readonly WaveRule[];
  pace: PlannedPace;
  /** Seconds of work that a slice is to have, at least. */
  sliceSeconds: number;
}

/** A server that users are read from. Credentials are named, never here: they are in the files, on the host of the agent. */
export interface Master {
  name: string;
  /** For agents on another host, as for `--from`; undefined: only an agent on its own host can read it. */
  server: string | undefined;
  /** Settings file with the login there, in place of the agent's own. */
  settings: string | undefined;
  /** Slices at once. */
  slices: number;
  hours: Hours | undefined;
}

export interface Replica {
  name: string;
  /** Spelled as for `-S`. */
  server: string;
  /** Channel of the agent's imapd.conf and settings that has the login there. */
  channel: string | undefined;
  /** Slices at once. */
  slices: number;
  /** All its slices together have so many. */
  connections: number | undefined;
  /** Octets a second, of all its slices together. */
  octetsPerSecond: number | undefined;
  /** Octets that it has room for. */
  space: number | undefined;
  hours: Hours | undefined;
}

/** Users who are moved together, and where to. A user belongs to the first wave that names it. */
export interface WaveRule {
  name: string;
  /** Names; undefined: globs alone choose. */
  users: readonly string[] | undefined;
  /** Globs; none beside no names: everybody. */
  match: readonly string[];
  /** Masters whose users are meant; none: all. */
  masters: readonly string[];
  replicas: readonly string[];
  /** How one of several replicas is chosen. */
  by: 'hash' | 'least-full';
}

/** The pace of one slice, where nothing was measured. */
export interface PlannedPace {
  octetsPerSecond: number;
  messagesPerSecond: number;
}

/** A user of a master, with what its mail comes to. */
export interface SizedUser {
  user: string;
  messages: number;
  octets: number;
}
