import { SyncError } from '../../report/sync-error.ts';

/**
 * Variables by which Node, libuv and OpenSSL load other code, open doors, or write files.
 * The installed command is started without them (bin/launch.sh).
 */
export const TREACHEROUS_VARIABLES: readonly string[] = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_COMPILE_CACHE',
  'NODE_V8_COVERAGE',
  'NODE_REDIRECT_WARNINGS',
  'NODE_ICU_DATA',
  'NODE_CHANNEL_FD',
  'NODE_UNIQUE_ID',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
  'SSLKEYLOGFILE',
  // With it, what is handed to the kernel's ring is done as root even after the change of user.
  'UV_USE_IO_URING',
];

const ROOT = 0;

/**
 * Refuses to go on as root in an environment that may have put other code into this process. What such code did before is
 * not undone by that, but the next run is started differently.
 *
 * @throws SyncError CONFIG
 */
export function checkEnvironment(
  environment: NodeJS.ProcessEnv,
  user: number | undefined = process.geteuid?.(),
): void {
  if (user !== ROOT) return;
  const found = TREACHEROUS_VARIABLES.filter((name) => environment[name] !== undefined);
  if (found.length === 0) return;
  throw new SyncError('CONFIG', `started as root with ${found.join(', ')} in the environment`, {
    phase: 'start',
    hint: 'start the installed command rather than its .cjs file, or take the variables out of the environment',
  });
}
