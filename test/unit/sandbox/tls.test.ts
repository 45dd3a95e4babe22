import assert from 'node:assert/strict';
import { connect as connectPlain } from 'node:net';
import type { Readable } from 'node:stream';
import test from 'node:test';
import { connect as connectTls } from 'node:tls';
import { PASSWORD, USER, withSandbox } from '../../lab/with-sandbox.ts';

/** Self-signed, for localhost, good for a hundred years and for nothing. */
const tls = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglTvhp0Vr0nHnvtJO
HSq7qpUf2Evaty0sk5SoIojeJcmhRANCAASXpD3G3M48j95+n/d0NDt+dpqdsf57
yec2YGdZLhw4hLqHCNzQ1CKpkRJSVrKAD1ZGXfhPgUfkba858m1SrndI
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUEYWDdLwPD5vTWvUK0KuN9OyYmE4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDA3MzIzMVoYDzIxMjYxMDMx
MDczMjMxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASXpD3G3M48j95+n/d0NDt+dpqdsf57yec2YGdZLhw4hLqHCNzQ1CKp
kRJSVrKAD1ZGXfhPgUfkba858m1SrndIo28wbTAdBgNVHQ4EFgQUOMZ2J/4upzFG
rRF0qRKMWRvvRmowHwYDVR0jBBgwFoAUOMZ2J/4upzFGrRF0qRKMWRvvRmowDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAL9n4YCX3Lm4B3OPeKCoS0iG5BppOLNaFD6iVmDnJsqmAiAp
xbhmSzz03SV62kZ5nmVsA3m4+RPPRKujp7VFChuTYw==
-----END CERTIFICATE-----`,
};

test('STARTTLS: a new banner without STARTTLS and COMPRESS, what was sent ahead in clear is dropped', async () => {
  await withSandbox({ tls }, async (_, sandbox) => {
    assert.ok('port' in sandbox.address);
    const plain = connectPlain(sandbox.address.port, sandbox.address.host);
    const heard = { text: '', wake: (): void => undefined };
    const listen = (source: Readable) => {
      source.on('data', (chunk: Buffer) => {
        heard.text += chunk.toString();
        heard.wake();
      });
    };
    const until = async (end: RegExp) => {
      while (!end.test(heard.text)) {
        await new Promise<void>((resolve) => {
          heard.wake = resolve;
        });
      }
      const found = heard.text;
      heard.text = '';
      return found;
    };
    listen(plain);
    assert.match(await until(/^\* OK.*\r\n/m), /^\* STARTTLS\r\n\* COMPRESS DEFLATE\r\n/m);
    plain.write('STARTTLS\r\nRESTART\r\n');
    assert.equal(await until(/\n/), 'OK Begin TLS negotiation now\r\n');
    plain.removeAllListeners('data');
    const secure = connectTls({ socket: plain, ca: tls.cert, servername: 'localhost' });
    listen(secure);
    const banner = await until(/^\* OK.*\r\n/m);
    assert.ok(secure.authorized);
    assert.match(banner, /^\* SASL /m);
    assert.doesNotMatch(banner, /STARTTLS|COMPRESS|Restarting/);
    const secret = Buffer.from(`\0${USER}\0${PASSWORD}`).toString('base64');
    secure.write(`STARTTLS\r\nCOMPRESS DEFLATE\r\nAUTHENTICATE PLAIN ${secret}\r\nNOOP\r\n`);
    assert.equal(
      await until(/Noop completed\r\n/),
      'BAD Already did a successful Starttls\r\nNO Unknown compression algorithm: DEFLATE\r\n' +
        'OK Success (tls protection)\r\nOK Noop completed\r\n',
    );
    secure.destroy();
  });
});

test('STARTTLS is refused after login, and unknown where no certificate is set', async () => {
  await withSandbox({ tls }, async (client) => {
    assert.equal((await client.say('STARTTLS')).final, "BAD Can't Starttls after authentication");
  });
  await withSandbox({}, async (client) => {
    assert.equal((await client.say('STARTTLS')).final, 'BAD IMAP_PROTOCOL_ERROR Unrecognized command');
  });
});
