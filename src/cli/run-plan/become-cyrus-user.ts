import { userInfo } from 'node:os';
import { SyncError } from '../../report/sync-error.ts';
import type { IdentityPlan } from './run-plan.ts';

const DEFAULT_USER = 'cyrus';

/** Whom to become: $CYRUS_USER and $CYRUS_GROUP, else cyrus_user and cyrus_group of imapd.conf, else `cyrus`. */
export function identityPlan(
  environment: NodeJS.ProcessEnv,
  configuredUser: string | undefined,
  configuredGroup: string | undefined,
): IdentityPlan {
  return Object.freeze({
    user: environment.CYRUS_USER ?? configuredUser ?? DEFAULT_USER,
    group: environment.CYRUS_GROUP ?? configuredGroup,
  });
}

/** The calls into the system that changing identity takes; `process` has them all but the last. */
export interface IdentitySystem {
  geteuid(): number;
  seteuid(user: number | string): void;
  initgroups(user: string, group: number | string): void;
  setgid(group: number | string): void;
  setuid(user: string): void;
  /** The group of the user that the process is at the moment. */
  ownGroup(): number;
}

const ROOT = 0;

/**
 * Started as root: becomes the Cyrus user, with its group and supplementary groups. Otherwise does nothing. Call it
 * before any file of the store is opened and before worker threads exist.
 *
 * @throws SyncError CONFIG when the user or group does not exist, IO when the system refuses
 */
export function becomeCyrusUser(identity: IdentityPlan, system: IdentitySystem = thisProcess()): void {
  if (system.geteuid() !== ROOT) return;
  const { user } = identity;
  attempt(`user ${user}`, 'set cyrus_user in imapd.conf or $CYRUS_USER to the user that Cyrus runs as', () =>
    system.seteuid(user),
  );
  // Node knows the account of nobody but the process itself, so the own group is asked for in passing.
  let group: number | string;
  try {
    group = identity.group ?? system.ownGroup();
  } finally {
    system.seteuid(ROOT);
  }
  attempt(`group ${group}`, 'set cyrus_group in imapd.conf or $CYRUS_GROUP to an existing group', () => {
    system.initgroups(user, group);
    system.setgid(group);
  });
  // Last: afterwards nothing else can be changed.
  attempt(`user ${user}`, undefined, () => system.setuid(user));
}

function attempt(who: string, hint: string | undefined, change: () => void): void {
  try {
    change();
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught)) throw caught;
    if (caught.code === 'ERR_UNKNOWN_CREDENTIAL') {
      throw new SyncError('CONFIG', `started as root and expected to become ${who}, but there is none`, {
        phase: 'start',
        hint,
        cause: caught,
      });
    }
    throw new SyncError('IO', `started as root and cannot become ${who}: ${caught.message}`, {
      phase: 'start',
      cause: caught,
    });
  }
}

function thisProcess(): IdentitySystem {
  // Node's type declarations leave initgroups out.
  const { geteuid, seteuid, initgroups, setgid, setuid }: Partial<IdentitySystem> = process;
  if (
    geteuid === undefined ||
    seteuid === undefined ||
    initgroups === undefined ||
    setgid === undefined ||
    setuid === undefined
  ) {
    throw new SyncError('CONFIG', 'expected a system with Unix users', { phase: 'start' });
  }
  return { geteuid, seteuid, initgroups, setgid, setuid, ownGroup: () => userInfo().gid };
}
