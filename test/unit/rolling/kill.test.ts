import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';

const DAEMON = fileURLToPath(new URL('./killed-daemon.js', import.meta.url));
const LIVES = 8;
const USERS = 6;

test('kill -9 at any moment of a stream of changes: after the restarts every change was replicated', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kill-'));
  const file = join(directory, 'log');
  const done = join(directory, 'done');
  const wanted: string[] = [];
  let child: ChildProcess | undefined;
  try {
    const change = async () => {
      const lines: LogLine[] = [];
      for (let user = 0; user < USERS; user++)
        lines.push({ type: 'APPEND', name: `user.u${user}.${wanted.length}` });
      wanted.push(...lines.flatMap((line) => ('name' in line ? [line.name] : [])));
      await appendToLog(file, lines);
    };
    for (let life = 0; life < LIVES; life++) {
      await change();
      child = spawn(process.execPath, [DAEMON, file, done, 'rolling'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const units = createInterface({ input: child.stdout ?? process.stdin });
      let left = 1 + life * 2;
      for await (const _ of units) {
        await change();
        if (--left === 0) break;
      }
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    for (let pass = 0; pass < 4 && (existsSync(file) || existsSync(`${file}-run`)); pass++) {
      const { status } = spawnSync(process.execPath, [DAEMON, file, done, 'once'], { stdio: 'ignore' });
      assert.equal(status, 0);
    }
    const replicated = new Set(readFileSync(done, 'latin1').split('\n'));
    assert.deepEqual(
      wanted.filter((name) => !replicated.has(name)),
      [],
    );
    assert.ok(!existsSync(file) && !existsSync(`${file}-run`));
  } finally {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});
