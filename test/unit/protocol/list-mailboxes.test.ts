import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listMailboxes, parseListed } from '../../../src/protocol/connect/list-mailboxes.ts';
import { settingsFor } from '../../lab/settings.ts';
import { ScriptedServer } from './support/scripted-server.ts';

test('a LIST answer has its name as a word, in quotes, or in the line after it', () => {
  const listed = { separator: '/', exists: true };
  assert.deepEqual(parseListed('* LIST (\\HasNoChildren) "/" user/anna', null), {
    ...listed,
    name: 'user/anna',
  });
  assert.deepEqual(parseListed('* LIST (\\HasNoChildren) "/" "user/a \\"b\\" \\\\"', null), {
    ...listed,
    name: 'user/a "b" \\',
  });
  assert.deepEqual(parseListed('* LIST () "/" ', 'user/\xe4nne'), { ...listed, name: 'user/\xe4nne' });
  assert.deepEqual(parseListed('* LIST (\\NonExistent \\HasChildren) "." user', null), {
    ...{ separator: '.', exists: false, name: 'user' },
  });
});

test('what is no LIST answer of Cyrus ends the asking', () => {
  for (const line of ['* LIST', '* LIST () NIL x', '* LIST () "|" x', '* LIST () "/" "x', '* LIST (() x']) {
    assert.throws(
      () => parseListed(line, null),
      (error: Error & { code?: string }) => error.code === 'IMAP_PROTOCOL_ERROR',
      line,
    );
  }
});

test('a pattern is one quoted string of one LIST whatever is in it, or nothing of it is sent', async () => {
  const special = fc.constantFrom(
    '"',
    '\\',
    '\r\n',
    '\n',
    '\r',
    '\0',
    'L2 DELETE user.anna',
    '{3+}',
    '*',
    '%',
    ' ',
  );
  const any = fc.string({
    unit: fc.integer({ min: 0, max: 0x1ff }).map((code) => String.fromCharCode(code)),
  });
  const pattern = fc.array(fc.oneof(special, any), { maxLength: 4 }).map((parts) => parts.join(''));
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(pattern, async (text) => {
      const { lines, code } = await listed(text);
      if (code !== undefined) {
        assert.equal(code, 'BUG');
        assert.equal(lines, 'L0 LIST "" ""\r\n');
        return;
      }
      sent++;
      const [, inside] = /^L0 LIST "" ""\r\nL1 LIST "" "(.*)"\r\nL99 LOGOUT\r\n$/s.exec(lines) ?? [];
      assert.match(inside ?? '\n', /^(?:[^"\\\r\n\0]|\\["\\])*$/, JSON.stringify(lines));
      assert.equal(inside?.replace(/\\(.)/g, '$1'), text);
    }),
    {
      examples: [
        ['user/"x'],
        ['user/x\\'],
        ['user/x"\r\nL2 DELETE "user/anna'],
        ['user/x"\u010aL2 DELETE "user/anna'],
      ],
    },
  );
  assert.ok(sent > 0, 'nothing was sent at all');
});

/** Everything that reaches a server after the login, and the code of the error that the call ended with. */
async function listed(pattern: string): Promise<{ lines: string; code: string | undefined }> {
  const chunks: Buffer[] = [];
  let ended = (): void => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n');
    await peer.line();
    peer.raw.on('data', (chunk: Buffer) => chunks.push(chunk));
    peer.send('A01 OK [CAPABILITY IMAP4rev1] logged in\r\n* LIST () "/" ""\r\nL0 OK\r\nL1 OK\r\n');
    await peer.closed();
    ended();
  });
  const asked = listMailboxes(
    settingsFor(server.address),
    () => [pattern],
    () => {},
  );
  const code = await asked.then(() => undefined, errorCode);
  await end;
  return { lines: Buffer.concat(chunks).toString('latin1'), code };
}

function errorCode(error: Error & { code?: string }): string {
  return error.code ?? error.message;
}
