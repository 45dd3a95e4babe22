import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { LAUNCHER, startCommand } from '../../../lab/start-command.ts';

/* Contract: a password in a file is the business of whoever may read that file, and of nobody else. */

const SECRET = 'hunter2';

test('a password that everybody can read is warned of, and a file that everybody can write to is refused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'secrets-'));
  try {
    const config = join(directory, 'imapd.conf');
    const settings = join(directory, 'settings.ini');
    await writeFile(
      config,
      `configdirectory: ${directory}\npartition-default: ${directory}\nsync_host: 127.0.0.1\nsync_password: ${SECRET}\n`,
    );
    await writeFile(settings, `master_password = ${SECRET}\n`);
    const said = async (configMode: number, settingsMode: number): Promise<[number | string, string]> => {
      await chmod(config, configMode);
      await chmod(settings, settingsMode);
      const run = startCommand([LAUNCHER, '-C', config, '--settings', settings, '-u']);
      return [await run.end, run.stderr().replaceAll(directory, '')];
    };
    const [warnedCode, warnings] = await said(0o644, 0o644);
    assert.equal(warnedCode, 0, warnings);
    assert.match(warnings, /^sync_client: \/imapd\.conf holds a password that every user .*chmod o-r/m);
    assert.match(warnings, /^sync_client: \/settings\.ini holds a password/m);
    const [goodCode, nothing] = await said(0o640, 0o600);
    assert.equal(goodCode, 0);
    assert.doesNotMatch(nothing, /password/);
    for (const [modes, file] of [
      [[0o642, 0o600], 'imapd.conf'],
      [[0o640, 0o602], 'settings.ini'],
    ] as const) {
      const [code, refusal] = await said(modes[0], modes[1]);
      assert.equal(code, 78);
      assert.match(refusal, new RegExp(`^sync_client: /${file}: .*\\(chmod o-w /${file}\\)$`, 'm'));
    }
    await writeFile(settings, `master_password ${SECRET}\n`);
    const [code, error] = await said(0o640, 0o600);
    assert.equal(code, 78);
    assert.match(error, /settings\.ini:1: expected master_password = VALUE/);
    for (const text of [warnings, error]) assert.ok(!text.includes(SECRET), text);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
