import assert from 'node:assert/strict';
import test from 'node:test';
import { cyrusRelease } from '../../../src/protocol/handshake/cyrus-release.ts';
import { longestName } from '../../../src/protocol/handshake/longest-name.ts';

test('the longest name that a server can open follows from its version; one that hides it is taken for 3.6', () => {
  const banners: [string, number][] = [
    ['OK replica Cyrus sync server 3.6.1-Debian-3.6.1-4+deb12u5', 490],
    ['OK replica Cyrus sync server 3.4.3', 490],
    ['OK replica Cyrus sync server 3.2.6-Debian-3.2.6-2+deb11u2', 510],
    ['OK replica Cyrus sync server 3.0.18', 490],
    ['OK replica Cyrus sync server 2.5.17', 490],
    ['OK replica Cyrus sync server v2.4.17', 490],
    ['OK replica Cyrus sync server 3.8.0', 510],
    ['OK replica Cyrus sync server 3.12.1-Debian-3.12.1-1', 510],
    ['OK replica Cyrus sync server 4.0.0', 510],
    ['OK [CAPABILITY IMAP4rev1] replica Cyrus IMAP 3.10.2-Debian-3.10.2-1 server ready', 510],
    ['OK [CAPABILITY IMAP4rev1] replica Cyrus IMAP 3.6.1 server ready', 490],
    ['OK [CAPABILITY IMAP4rev1] server ready', 490],
    ['OK 3.8.0 Cyrus sync server 3.6.1', 490],
  ];
  for (const [banner, octets] of banners) assert.equal(longestName(cyrusRelease(banner)), octets, banner);
});
