import assert from 'node:assert/strict';
import test from 'node:test';
import { DlistParser } from '../../../../src/protocol/dlist/parser.ts';

const HEAD = '(a %{default 0123456789012345678901234567890123456789 5}\r\n';
const WHOLE = Buffer.from(`${HEAD}octet b)`);

/** @returns where each call of `push` ended */
function stops(stopAtFiles: boolean | undefined): number[] {
  const parser = new DlistParser({ stopAtFiles });
  const ends: number[] = [];
  for (let at = 0; !parser.done && ends.length < 10; ) {
    at = parser.push(WHOLE, at);
    ends.push(at);
  }
  return ends;
}

test('the octets of a file are read with what is around them, or by themselves where that is asked for', () => {
  assert.deepEqual(stops(undefined), [WHOLE.length]);
  assert.deepEqual(stops(false), [WHOLE.length]);
  assert.deepEqual(stops(true), [HEAD.length, HEAD.length + 'octet'.length, WHOLE.length]);
});

test('a file that comes in pieces is left at the end of each piece', () => {
  const parser = new DlistParser({ stopAtFiles: true });
  assert.equal(parser.push(WHOLE.subarray(0, HEAD.length + 2)), HEAD.length);
  assert.equal(parser.push(WHOLE.subarray(HEAD.length, HEAD.length + 2)), 2);
  assert.equal(parser.insideFile, true);
  assert.equal(parser.push(WHOLE.subarray(HEAD.length + 2)), 'octet'.length - 2);
  assert.equal(parser.insideFile, false);
});
