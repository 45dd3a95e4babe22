import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openNotifySocket } from '../../../src/native/notify-socket.ts';
import { receiveDatagrams } from '../../lab/datagram-receiver.ts';

function inDirectory(run: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'notify-'));
  try {
    run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a service manager is told over a socket in a directory, or by an abstract name', () => {
  inDirectory((directory) => {
    for (const path of [join(directory, 'notify'), `@${directory}/abstract`]) {
      using manager = receiveDatagrams(path);
      const open = readdirSync('/proc/self/fd').length;
      const socket = openNotifySocket(path);
      socket.send('READY=1\nSTATUS=follows é');
      socket.send('STOPPING=1');
      assert.deepEqual(manager.received(), ['READY=1\nSTATUS=follows é', 'STOPPING=1']);
      socket.close();
      assert.equal(readdirSync('/proc/self/fd').length, open, 'a descriptor was left open');
    }
  });
});

test('where nobody listens, the error says which call failed, where and why', () => {
  inDirectory((directory) => {
    const path = join(directory, 'nobody');
    const socket = openNotifySocket(path);
    assert.throws(() => socket.send('READY=1'), { code: 'IO', message: `${path}: sendto failed: ENOENT` });
    socket.close();
  });
});

test('a manager that does not read is not waited for', () => {
  inDirectory((directory) => {
    const path = join(directory, 'notify');
    using _manager = receiveDatagrams(path);
    const socket = openNotifySocket(path);
    assert.throws(
      () => {
        for (;;) socket.send('WATCHDOG=1');
      },
      { code: 'IO', message: `${path}: sendto failed: EAGAIN` },
    );
    socket.close();
  });
});

test('an address that is too long is refused with where it comes from', () => {
  assert.throws(() => openNotifySocket(`/${'x'.repeat(107)}`), { code: 'IO', hint: /NOTIFY_SOCKET/ });
});
