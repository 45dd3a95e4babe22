import assert from 'node:assert/strict';
import test from 'node:test';
import { type ConfigFile, checkFileModes } from '../../../src/config/check-file-modes.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { configOf } from '../../lab/config-of.ts';

const checked = (mode: number, holdsSecret: boolean, isFile = true) =>
  checkFileModes([{ path: '/etc/imapd.conf', holdsSecret }], () => ({ mode, isFile: () => isFile }));

test('a password that everybody can read is warned of, with what to do; a group may read it', () => {
  const [warning] = checked(0o644, true);
  assert.match(warning?.text ?? '', /^\/etc\/imapd\.conf holds a password/);
  assert.match(warning?.hint ?? '', /chmod o-r \/etc\/imapd\.conf/);
  for (const mode of [0o600, 0o640, 0o660]) assert.deepEqual(checked(mode, true), []);
  assert.deepEqual(checked(0o644, false), []);
});

test('a file of the configuration that everybody can write to is refused', () => {
  for (const holdsSecret of [true, false]) {
    assert.throws(
      () => checked(0o666, holdsSecret),
      (error) =>
        error instanceof SyncError &&
        error.code === 'CONFIG' &&
        error.message.startsWith('/etc/imapd.conf: ') &&
        error.hint === 'chmod o-w /etc/imapd.conf',
    );
  }
  assert.deepEqual(checked(0o666, true, false), []);
  assert.deepEqual(
    checkFileModes([{ path: '/none', holdsSecret: true }], () => undefined),
    [],
  );
});

test('imapd.conf and all that it includes are known, with those that hold a password', () => {
  const files = (text: string): ConfigFile[] => configOf(text).files;
  const secret = (text: string) => files(text).some(({ holdsSecret }) => holdsSecret);
  for (const key of [
    'sync_password',
    'east_sync_password',
    'replica_password',
    'sql_passwd',
    'sasl_ldapdb_pw',
  ]) {
    assert.equal(secret(`${key}: x\n`), true, key);
  }
  assert.equal(secret('sasl_pwcheck_method: auxprop\n'), false);
});
