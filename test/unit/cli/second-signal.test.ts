import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';

const COMMAND = join(import.meta.dirname, '..', '..', '..', 'bin', 'sync_client.cjs');
/** Without the second one being heard it would be for ever. */
const DEADLINE_MS = 120_000;
const SIGNALS = { SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

/** Tells whether the process has a handler of its own for a signal. */
function handles(child: ChildProcess, signal: keyof typeof SIGNALS): boolean {
  const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
  const [, caught = ''] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return (BigInt(`0x${caught}`) & (1n << BigInt(SIGNALS[signal] - 1))) !== 0n;
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  test(`a second ${signal} ends the process even while its main thread waits in the kernel`, {
    timeout: DEADLINE_MS,
  }, async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'signal-'));
    context.after(() => rmSync(directory, { recursive: true }));
    const [configuration, list] = [join(directory, 'imapd.conf'), join(directory, 'list')];
    writeFileSync(configuration, `configdirectory: ${directory}\nsync_host: 127.0.0.1\n`);
    execFileSync('mkfifo', [list]);
    const child = spawn(process.execPath, [COMMAND, '-C', configuration, '-u', '-f', list], {
      stdio: 'ignore',
    });
    context.after(() => child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    // The other end opens once the process has opened its own; from then on it waits for names.
    await using _writer = await open(list, 'w');
    assert.ok(handles(child, signal), 'the first is for a polite end');
    child.kill(signal);
    while (handles(child, signal)) await setImmediate();
    child.kill(signal);
    assert.deepEqual(await exit, [null, signal]);
  });
}
