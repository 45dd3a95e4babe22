import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { OutputFile } from '../../../src/report/sinks/output-file.ts';

/* Contract: a file whose run does not begin says of no run that it is under way, and hides no error. */

const BEGINNING = Buffer.from('under way\n');

class FileScene {
  readonly directory = mkdtempSync(join(tmpdir(), 'output-file-'));
  readonly folder = join(this.directory, 'folder');
  readonly path = join(this.folder, 'list');

  constructor() {
    mkdirSync(this.folder);
  }

  open(): OutputFile {
    return OutputFile.open('--failures', this.path, BEGINNING);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test('a file that was made is gone', () => {
  using scene = new FileScene();
  const file = scene.open();
  assert.deepEqual(readFileSync(scene.path), BEGINNING);
  file[Symbol.dispose]();
  assert.equal(existsSync(scene.path), false);
});

test('one that cannot be removed is empty', () => {
  using scene = new FileScene();
  const file = scene.open();
  const moved = join(scene.directory, 'moved');
  renameSync(scene.folder, moved);
  file[Symbol.dispose]();
  assert.equal(readFileSync(join(moved, 'list'), 'utf8'), '');
});

test("what somebody else has put in its place meanwhile is not this run's to remove", () => {
  using scene = new FileScene();
  const file = scene.open();
  const moved = join(scene.folder, 'moved');
  renameSync(scene.path, moved);
  writeFileSync(scene.path, 'of somebody else\n');
  file[Symbol.dispose]();
  assert.equal(readFileSync(scene.path, 'utf8'), 'of somebody else\n');
  assert.equal(readFileSync(moved, 'utf8'), '');
});

test('an earlier file has again what it had, whether it was shorter or longer', () => {
  using scene = new FileScene();
  for (const earlier of ['', 'left\n', 'what an earlier run has left\n']) {
    writeFileSync(scene.path, earlier);
    scene.open()[Symbol.dispose]();
    assert.equal(readFileSync(scene.path, 'utf8'), earlier);
  }
});
