import assert from 'node:assert/strict';
import test from 'node:test';
import { CommandSplitter } from '../../../bin/training/command-splitter.ts';

const COMMANDS = [
  'NOOP\r\n',
  'APPLY SET {3+}\r\na\r\nZ\r\n',
  'APPLY MESSAGE (%{default f47716619af4e3d55d817d941581c4bad13bfe7c 6}\r\n{9}\r\n\n)\r\n',
  'APPLY TWO {0+}\r\n {2+}\r\n\r\n\r\n',
  'EXIT\r\n',
];

test('commands are cut where they end, whatever their literals hold', () => {
  const text = COMMANDS.join('');
  assert.deepEqual(new CommandSplitter().add(text), COMMANDS);
  const splitter = new CommandSplitter();
  assert.deepEqual(
    [...text].flatMap((octet) => splitter.add(octet)),
    COMMANDS,
  );
});
