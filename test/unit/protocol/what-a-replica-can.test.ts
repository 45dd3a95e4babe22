import assert from 'node:assert/strict';
import test from 'node:test';
import { csyncOffer, type Offer } from '../../../src/protocol/handshake/offer.ts';
import { CommandQueue } from '../../../src/protocol/link/command-queue.ts';
import { Framing } from '../../../src/protocol/link/framing.ts';
import type { SessionInfo } from '../../../src/protocol/replica-session.ts';
import { setUp } from '../../../src/protocol/session/set-up.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { Transport } from '../../../src/protocol/wire/transport.ts';
import { settingsFor } from '../../lab/settings.ts';
import { socketPair } from './support/socket-pair.ts';

const LINK = { mechanism: undefined, tls: false, exposure: undefined, compression: false };

/** Goes by the banner of a server that has nothing to enable and takes every command. */
async function infoOf(release: string, changes: Partial<Offer> = {}): Promise<SessionInfo> {
  const { near, far, close } = await socketPair();
  far.on('data', () => far.write('OK success\r\n'));
  try {
    const queue = new CommandQueue(new Transport(near), new Traffic(undefined), new Framing('csync'), 1024);
    const offer = {
      ...csyncOffer(['* SASL PLAIN', `* OK replica Cyrus sync server ${release}`]),
      ...changes,
    };
    return (await setUp(queue, offer, settingsFor('replica', { sieveMailbox: false }), LINK)).info;
  } finally {
    close();
  }
}

test('what a replica can follows from its release', async () => {
  const found: Record<string, boolean[]> = {};
  for (const release of ['2.5.10', '3.2.6', '3.4.0', '3.6.1', '3.8.4', '3.12.1', '4.0.0', 'hidden']) {
    const info = await infoOf(release);
    found[release] = [
      info.listsIntermediates,
      info.unuserTakesDeleted,
      info.findsUniqueids,
      info.takesKeywords,
      info.takesGroups,
    ];
  }
  assert.deepEqual(found, {
    '2.5.10': [false, true, false, false, false],
    '3.2.6': [false, true, false, false, false],
    '3.4.0': [true, false, false, false, false],
    '3.6.1': [true, false, true, false, false],
    '3.8.4': [true, false, true, false, false],
    '3.12.1': [true, false, true, true, true],
    '4.0.0': [true, false, true, true, true],
    hidden: [true, false, false, false, false],
  });
});

test('one that takes scripts as a mailbox finds uniqueids, and an imapd of that kind keeps what is enabled', async () => {
  assert.equal((await infoOf('hidden', { sieveMailbox: true })).findsUniqueids, true);
  const keeps = async (flavour: Offer['flavour'], sieveMailbox: boolean): Promise<boolean> =>
    (await infoOf('3.6.1', { flavour, sieveMailbox })).keepsWhatIsEnabled;
  assert.deepEqual(
    [await keeps('imap', true), await keeps('imap', false), await keeps('csync', true)],
    [true, false, false],
  );
});
