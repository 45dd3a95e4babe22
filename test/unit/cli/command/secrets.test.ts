import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { operatePlan } from '../../../../src/cli/run-plan/operate-plan.ts';
import { parseSettings, SETTING_KEYS } from '../../../../src/config/settings.ts';
import { LAUNCHER, SANDBOX_LAUNCHER, startCommand, VERBS_LAUNCHER } from '../../../lab/start-command.ts';

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

test('an error about an address, or about what was meant to be one, shows no password in it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'secrets-'));
  const config = join(directory, 'imapd.conf');
  const settings = join(directory, 'settings.ini');
  const said = async (command: readonly string[], setting = '', option = ''): Promise<string> => {
    await writeFile(settings, setting, { mode: 0o600 });
    await writeFile(
      config,
      `configdirectory: ${directory}\npartition-default: ${directory}\n${option === '' ? 'sync_host: 127.0.0.1' : option}\n`,
      { mode: 0o600 },
    );
    const run = startCommand(command, { CYRUS_SYNC_SETTINGS: settings });
    const code = await run.end;
    assert.notEqual(code, 0, run.stderr());
    return run.stdout() + run.stderr();
  };
  const client = [LAUNCHER, '-C', config];
  try {
    for (const wrong of [`htp//u:${SECRET}@h/x`, `https//h/x?token=${SECRET}`]) {
      const all: [command: readonly string[], setting?: string, option?: string][] = [
        ...['--pause-url', '-S', '--from', '--metrics', '--control', '--bwlimit', '--max-load'].map(
          (option): [string[]] => [[...client, option, wrong, '-A']],
        ),
        ...['--log-format', '--workers', '--exit-codes', '--stats', '--shard', '--order'].map(
          (option): [string[]] => [[...client, option, wrong, '-A']],
        ),
        ...['sync_host', 'client_bind', 'sync_port', 'client_timeout'].map(
          (key): [string[], string, string] => [[...client, '-o', '-A'], '', `${key}: ${wrong}`],
        ),
        ...[[wrong], ['check', wrong], ['fleet', wrong], ['fleet', 'status', '--queue', wrong]].map(
          (words): [string[]] => [[VERBS_LAUNCHER, ...words]],
        ),
        [[SANDBOX_LAUNCHER, '-d', directory, '--listen', wrong]],
      ];
      for (const [command, setting, option] of all) {
        const text = await said(command, setting, option);
        assert.ok(!text.includes(SECRET), `${command.join(' ')} ${option ?? ''}: ${text}`);
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('an error about a setting shows no password that its value may hold', () => {
  let refused = 0;
  for (const key of SETTING_KEYS) {
    for (const wrong of [`htp//u:${SECRET}@h/x`, `https//h/x?token=${SECRET}`]) {
      try {
        const settings = parseSettings(`${key} = ${wrong}\n`, 'settings.ini', undefined);
        const none = { bwlimit: undefined, pauseFile: undefined, pauseUrl: undefined, maxLoad: undefined };
        operatePlan({ steering: { ...none, control: undefined } }, settings, {}, 'name');
      } catch (caught) {
        refused += 1;
        assert.ok(caught instanceof Error && !caught.message.includes(SECRET), `${key}: ${caught}`);
      }
    }
  }
  assert.ok(refused > SETTING_KEYS.length, 'most take neither of the two');
});
