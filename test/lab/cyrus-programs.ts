import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Where Debian and Ubuntu install them. */
const INSTALLED = '/usr/lib/cyrus/bin';

/**
 * The programs of one Cyrus. `CYRUS_PROGRAMS` in the environment of the tests names the folder of another than the
 * installed one, as test/install-cyrus-version.sh makes them.
 */
export class CyrusPrograms {
  readonly folder: string;
  #version: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(program: string): string {
    return join(this.folder, program);
  }

  get areInstalled(): boolean {
    return this.folder === INSTALLED;
  }

  /** `3.6.1`, as the programs say it. */
  get version(): string {
    this.#version ??= versionOf(this.path('cyr_info'));
    return this.#version;
  }

  /** Tells whether they are of this version or a newer one: `isAtLeast(3, 4)`. */
  isAtLeast(major: number, minor: number): boolean {
    const [ours = 0, its = 0] = this.version.split('.').map(Number);
    return ours > major || (ours === major && its >= minor);
  }

  /**
   * Says among the results that a test tries nothing on a version older than that, and why.
   *
   * @returns true if it is older
   */
  areBefore(major: number, minor: number, test: Pick<TestContext, 'diagnostic'>, why: string): boolean {
    if (this.isAtLeast(major, minor)) return false;
    test.diagnostic(`nothing is tried on Cyrus ${this.version}: ${why}`);
    return true;
  }

  /** Debian has `httpd` in a package of its own, which is not installed with the others. */
  get haveHttpd(): boolean {
    return existsSync(this.path('httpd'));
  }

  /** Tells whether a user's scripts are messages of `#sieve`, and not files. */
  get keepScriptsInMailbox(): boolean {
    return this.isAtLeast(3, 6);
  }

  /** The key of a mailbox in mailboxes.db. */
  rowKey(internalName: string): string {
    return this.isAtLeast(3, 6) ? `N${internalName.replaceAll('.', '\x1f')}` : internalName;
  }

  /** Quota resources that have got other names, as IMAP has them. */
  get quotaResources(): { annotations: string; folders: string } {
    return this.isAtLeast(3, 10)
      ? { annotations: 'ANNOTATION-STORAGE', folders: 'MAILBOX' }
      : { annotations: 'X-ANNOTATION-STORAGE', folders: 'X-NUM-FOLDERS' };
  }
}

/** Those of the version that most tests are for. */
export const INSTALLED_PROGRAMS = new CyrusPrograms(INSTALLED);
/** Those of this run. */
export const PROGRAMS = new CyrusPrograms(process.env.CYRUS_PROGRAMS ?? INSTALLED);

/** Those of another version, if test/install-cyrus-version.sh has unpacked it. */
export function unpackedPrograms(version: string): CyrusPrograms | undefined {
  const folder = join(process.env.CYRUS_VERSIONS ?? '/var/tmp/cyrus-versions', version);
  return existsSync(join(folder, 'complete')) ? new CyrusPrograms(join(folder, 'bin')) : undefined;
}

function versionOf(cyrInfo: string): string {
  const { stdout, stderr } = spawnSync(cyrInfo, ['-C', '/dev/null', 'version'], { encoding: 'utf8' });
  const version = /^cyrus-imapd (\d+\.\d+\.\d+)/m.exec(stdout ?? '')?.[1];
  if (version === undefined) throw new Error(`${cyrInfo} tells no version: ${stdout}${stderr}`);
  return version;
}
