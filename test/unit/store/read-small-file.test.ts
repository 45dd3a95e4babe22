import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import { readSmallFile } from '../../../src/store/files/read-small-file.ts';
import { openBelow } from '../../lab/open-below.ts';

const directory = mkdtempSync(join(tmpdir(), 'small-file-'));
test.after(() => rmSync(directory, { recursive: true }));

const LIMIT = 300_000;
const CHUNK = 64 * 1024;

function read(path: string, limit = LIMIT): Buffer | undefined {
  return readSmallFile(path, limit, (finding) => new SyncError('MAILBOX_DAMAGED', `${path}: ${finding}`));
}

test('a file of any length is read whole, and stays what it was when the next is read', () => {
  const lengths = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, LIMIT - 1, LIMIT];
  const contents = lengths.map((length, i) => Buffer.alloc(length, `file ${i} `));
  const found = contents.map((content, i) => {
    const path = join(directory, `${i}`);
    writeFileSync(path, content);
    return read(path);
  });
  for (const [i, content] of contents.entries()) assert.ok(found[i]?.equals(content), `${lengths[i]} octets`);
  assert.deepEqual(openBelow(directory), []);
});

test('no file is told from an empty one', () => {
  assert.equal(read(join(directory, 'none')), undefined);
  const file = join(directory, 'no directory');
  writeFileSync(file, '');
  assert.equal(read(join(file, 'below')), undefined);
  assert.deepEqual(read(file), Buffer.alloc(0));
});

test('a file above its limit is damaged, and not read to its end', () => {
  const path = join(directory, 'large');
  for (const [octets, limit] of [
    [LIMIT + 1, LIMIT],
    [2 ** 32, LIMIT],
    [11, 10],
  ] as const) {
    writeFileSync(path, '');
    truncateSync(path, octets);
    assert.throws(() => read(path, limit), {
      code: 'MAILBOX_DAMAGED',
      message: `${path}: expected at most ${limit} octets, found more`,
    });
  }
  assert.deepEqual(openBelow(directory), []);
});

test('what is no file is named, and is neither empty nor too large', () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.throws(() => read(pipe), { code: 'IO', message: `${pipe}: a FIFO, not a regular file` });
  const folder = join(directory, 'folder');
  mkdirSync(folder);
  assert.throws(() => read(folder), { code: 'IO', message: `${folder}: a directory, not a regular file` });
  assert.throws(() => read('/dev/zero'), { code: 'IO', message: '/dev/zero: a device, not a regular file' });
  assert.deepEqual(openBelow(directory), []);
});
