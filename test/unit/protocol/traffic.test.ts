import assert from 'node:assert/strict';
import test from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { ResponseReader } from '../../../src/protocol/wire/response-reader.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { settingsFor } from '../../lab/settings.ts';
import { csync, ScriptedServer } from './support/scripted-server.ts';

/* Contract: `-v -v` shows every octet of the protocol but no password, no message and no script. */

const GUID = 'ab'.repeat(20);

test('credentials, messages and scripts that are sent are replaced by their length, and so are messages that come', async () => {
  const script = 'require "fileinto";\r\n# private script\r\n';
  const message = Buffer.from('Subject: private message\r\n\r\nbody\r\n');
  await using server = await ScriptedServer.start(
    csync(async (peer) => {
      await peer.expect(`APPLY MESSAGE (%{default ${GUID} ${message.length}}`);
      await peer.octets(message.length + 3);
      peer.send('OK success\r\n');
      await peer.line();
      await peer.octets(script.length + 3);
      peer.send('OK success\r\n');
      await peer.line();
      peer.send(`* MESSAGE %{default ${GUID} ${message.length}}\r\nSubject: `);
      await new Promise((resolve) => setImmediate(resolve));
      peer.send(message.subarray('Subject: '.length));
      peer.send('\r\nOK success\r\n');
      await peer.line();
      peer.send('* ANNOTATION %(MBOXNAME "" ENTRY /motd USERID "" VALUE {4}\r\n100%)\r\nOK success\r\n');
      await peer.closed();
    }),
  );
  let sent = '';
  let received = '';
  const session = await connectReplica(settingsFor(server.address), {
    onTraffic: (direction, text) => {
      if (direction === 'sent') sent += text.toString('latin1');
      else received += text.toString('latin1');
    },
  });
  await session.applyMessages([{ partition: 'default', guid: GUID, size: message.length, content: message }]);
  await session.applySieve('a', 'f.script', 5, Buffer.from(script));
  await session.fetchMessage({ mailbox: 'm', partition: 'default', uniqueid: 'u', guid: GUID, uid: 1 });
  await session.getAnnotation('');
  session.destroy();

  const secret = Buffer.from('\0repluser\0repl').toString('base64');
  assert.equal(
    sent,
    [
      `AUTHENTICATE PLAIN [${secret.length} octets]`,
      `APPLY MESSAGE (%{default ${GUID} ${message.length}}`,
      `[${message.length} octets])`,
      `APPLY SIEVE %(USERID a FILENAME f.script LAST_UPDATE 5 CONTENT [${script.length + 7} octets])`,
      `GET FETCH %(MBOXNAME m PARTITION default UNIQUEID u GUID ${GUID} UID 1)`,
      'GET ANNOTATION ""',
      '',
    ].join('\r\n'),
  );
  assert.equal(
    received,
    [
      '* SASL PLAIN',
      '* OK replica Cyrus sync server 3.6.1',
      'OK Success (no protection)',
      'OK success',
      'OK success',
      `* MESSAGE %{default ${GUID} ${message.length}}`,
      `[${message.length} octets]`,
      'OK success',
      '* ANNOTATION %(MBOXNAME "" ENTRY /motd USERID "" VALUE {4}',
      '100%)',
      'OK success',
      '',
    ].join('\r\n'),
  );
});

test('of a challenge the length is shown alone, from which nobody guesses a password', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* SASL LOGIN\r\n* OK replica Cyrus sync server 3.6.1\r\n');
    for (const challenge of ['+ VXNlcm5hbWU6\r\n', '+ UGFzc3dvcmQ6\r\n', 'OK Success\r\n']) {
      await peer.line();
      peer.send(challenge);
    }
    await peer.closed();
  });
  let received = '';
  const session = await connectReplica(
    settingsFor(server.address, { mechanisms: ['LOGIN'], allowClearText: true, sieveMailbox: false }),
    {
      onTraffic: (direction, text) => {
        if (direction === 'received') received += text.toString('latin1');
      },
    },
  );
  session.destroy();
  assert.equal(received.match(/\+ \[12 octets\]\r\n/g)?.length, 2, received);
  assert.doesNotMatch(received, /VXNlcm5hbWU6|UGFzc3dvcmQ6/);
});

test('however an answer is cut, its message is shown as its length, once, and of nothing nothing is shown', () => {
  const head = `* MESSAGE %{default ${GUID} 7}\r\n`;
  const octets = Buffer.from(`${head}private\r\nOK success\r\n`);
  for (let size = 1; size <= octets.length; size++) {
    const shown: string[] = [];
    const reader = new ResponseReader(
      { valueOptions: () => ({}), untagged: () => {}, notice: () => {}, final: () => {} },
      new Traffic((_, text) => shown.push(text.toString('latin1'))),
    );
    for (let at = 0; at < octets.length; at += size) reader.push(octets.subarray(at, at + size));
    assert.equal(shown.join(''), `${head}[7 octets]\r\nOK success\r\n`);
    assert.ok(!shown.includes(''), `cut after each ${size}`);
  }
});
