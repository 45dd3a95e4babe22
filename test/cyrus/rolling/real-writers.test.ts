import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { giveToCyrus, requireCyrus } from '../../lab/cyrus-server.ts';
import { runAs } from '../../lab/processes.ts';

const WRITERS = 4;
const LINES_EACH = 8;
const PENDING: LogLine = { type: 'USER', userid: 'pending' };

test('writers of the installed Cyrus and a reader that joins logs all the time: every line is read as meant', async () => {
  requireCyrus();
  const directory = mkdtempSync(join(tmpdir(), 'real-writers-'));
  try {
    const config = join(directory, 'imapd.conf');
    mkdirSync(join(directory, 'conf'));
    writeFileSync(config, `configdirectory: ${directory}/conf\nsync_log: yes\nsync_log_channels: far\n`);
    giveToCyrus(directory);
    const file = syncLogPath(join(directory, 'conf'), 'far');
    const log = new ChannelLog(file, () => {});
    const read = new Set<string>();
    const take = async () => {
      await log.take(
        () => [PENDING],
        (parsed) => {
          assert.equal(parsed.kind, 'line');
          if (parsed.kind === 'line' && 'name' in parsed.line) read.add(parsed.line.name);
        },
        () => {},
      );
    };
    // One reader at a time; writers go on meanwhile.
    let reading = Promise.resolve();
    const wanted: string[] = [];
    const write = async (writer: number) => {
      for (let i = 0; i < LINES_EACH; i++) {
        const name = `user.u${writer}.{a} "${i}" \\ (b)`;
        wanted.push(name);
        const result = await runAs([PROGRAMS.path('cyr_synclog'), '-C', config, '-m', name]);
        assert.equal(result.code, 0, result.stderr);
        reading = reading.then(take);
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    await reading;
    await take();
    assert.deepEqual([...read].sort(), wanted.sort());
    assert.ok(!existsSync(file));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
