import assert from 'node:assert/strict';
import type { ReadConfigFile } from '../../src/config/imapd-conf-lines.ts';
import { type ImapdConfig, readImapdConfig } from '../../src/config/imapd-config.ts';
import { type ErrorCode, SyncError } from '../../src/report/sync-error.ts';

export const MAIN = '/etc/imapd.conf';

/** Files by path, as octets. */
export function filesFrom(files: Readonly<Record<string, string>>): ReadConfigFile {
  return (path) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return content;
  };
}

/** The configuration that these lines and a configdirectory make. The lines come first, so they keep their numbers. */
export function configOf(lines: string, others: Readonly<Record<string, string>> = {}): ImapdConfig {
  const main = `${lines}\nconfigdirectory: /var/lib/cyrus\n`;
  return readImapdConfig(MAIN, {}, filesFrom({ ...others, [MAIN]: main }));
}

export function assertRefused(action: () => unknown, message: RegExp, code: ErrorCode = 'CONFIG'): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SyncError, `expected a SyncError, got ${String(error)}`);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}
