import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultsOf, KNOWN_FAULTS } from '../../../src/preflight/known-faults.ts';
import { cyrusRelease } from '../../../src/protocol/handshake/cyrus-release.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'compatibility.md');

test('what is known of a pair is what its releases have, and of a release that nobody names nothing', () => {
  const texts = (master: string, replica: string): string[] =>
    faultsOf({ master: cyrusRelease(master), replica: cyrusRelease(replica) }).map(
      ({ side, text }) => `${side} ${text.slice(0, 20)}`,
    );
  const of = (release: string): string => `OK mail Cyrus sync server ${release}`;
  assert.deepEqual(texts(of('3.10.2'), of('3.10.2')), []);
  assert.deepEqual(texts('OK mail ready', 'OK mail ready'), []);
  assert.deepEqual(texts(of('3.6.1'), of('3.8.0')), ['master two mailboxes that a']);
  assert.equal(texts(of('3.4.0'), of('3.0.15')).length, 3);
  assert.deepEqual(texts(of('3.13.0'), of('3.12.0')), ['master new databases are ma']);
});

test('the page on compatibility has each of them', () => {
  const page = readFileSync(PAGE, 'utf8');
  for (const { side, text, advice } of KNOWN_FAULTS) {
    assert.match(
      page,
      new RegExp(`^\\| ${side} \\| [^|]+ \\| ${literally(text)} \\| ${literally(advice)} \\|$`, 'm'),
    );
  }
  assert.equal(page.match(/^\| (replica|master) \| /gm)?.length, KNOWN_FAULTS.length);
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
