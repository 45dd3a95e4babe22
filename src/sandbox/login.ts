import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ByteString } from '../byte-string.ts';

/** The server's half of SASL, for one user (protocol 4). Messages are octets, base64 is the caller's. */

export type Mechanism = 'PLAIN' | 'LOGIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-1';
export const MECHANISMS: readonly Mechanism[] = ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-1'];

export interface Credentials {
  user: string;
  /** undefined: nobody gets in. */
  password: string | undefined;
}

/** Sends a challenge; resolves with the client's next message, or undefined when it cancels. */
export type Ask = (challenge: ByteString) => Promise<ByteString | undefined>;

export type LoginResult = 'ok' | 'failed' | 'cancelled';

/** Rounds of PBKDF2: the least that RFC 5802 allows. A sandbox guards nothing and logs in often. */
const SCRAM_ROUNDS = 4096;
const SALT_OCTETS = 16;
const NONCE_OCTETS = 18;

export async function login(
  mechanism: Mechanism,
  initial: ByteString | undefined,
  credentials: Credentials,
  ask: Ask,
): Promise<LoginResult> {
  switch (mechanism) {
    case 'PLAIN':
      return await plain(initial, credentials, ask);
    case 'LOGIN':
      return await loginMechanism(credentials, ask);
    case 'SCRAM-SHA-256':
      return await scram('sha256', initial, credentials, ask);
    case 'SCRAM-SHA-1':
      return await scram('sha1', initial, credentials, ask);
  }
}

async function plain(
  initial: ByteString | undefined,
  credentials: Credentials,
  ask: Ask,
): Promise<LoginResult> {
  const message = initial ?? (await ask(''));
  if (message === undefined) return 'cancelled';
  const [, user, password] = message.split('\0');
  return isRight(user, password, credentials);
}

async function loginMechanism(credentials: Credentials, ask: Ask): Promise<LoginResult> {
  const user = await ask('Username:');
  if (user === undefined) return 'cancelled';
  const password = await ask('Password:');
  if (password === undefined) return 'cancelled';
  return isRight(user, password, credentials);
}

function isRight(
  user: ByteString | undefined,
  password: ByteString | undefined,
  credentials: Credentials,
): LoginResult {
  if (credentials.password === undefined || user === undefined || password === undefined) return 'failed';
  const right = user === octets(credentials.user) && password === octets(credentials.password);
  return right ? 'ok' : 'failed';
}

/** RFC 5802, without channel binding. */
async function scram(
  hash: 'sha1' | 'sha256',
  initial: ByteString | undefined,
  credentials: Credentials,
  ask: Ask,
): Promise<LoginResult> {
  const clientFirst = initial ?? (await ask(''));
  if (clientFirst === undefined) return 'cancelled';
  const first = /^[ny],(?:a=[^,]*)?,(n=([^,]*),r=([^,]+).*)$/s.exec(clientFirst);
  if (first === null) return 'failed';
  const [, clientFirstBare = '', name = '', clientNonce = ''] = first;

  const nonce = clientNonce + randomBytes(NONCE_OCTETS).toString('base64');
  const salt = randomBytes(SALT_OCTETS);
  const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${SCRAM_ROUNDS}`;
  const clientFinal = await ask(serverFirst);
  if (clientFinal === undefined) return 'cancelled';
  const final = /^(c=[^,]*,r=([^,]+).*),p=([^,]+)$/s.exec(clientFinal);
  if (final === null || credentials.password === undefined) return 'failed';
  const [, withoutProof = '', finalNonce, proof = ''] = final;

  const keyOctets = createHash(hash).digest().length;
  const salted = pbkdf2Sync(credentials.password.normalize('NFKC'), salt, SCRAM_ROUNDS, keyOctets, hash);
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text, 'latin1').digest();
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash(hash).update(clientKey).digest();
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`;
  const signature = hmac(storedKey, authMessage);
  const expected = Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] ?? 0)));
  const found = Buffer.from(proof, 'base64');
  const user = name.replaceAll('=2C', ',').replaceAll('=3D', '=');
  if (user !== octets(credentials.user) || finalNonce !== nonce) return 'failed';
  if (found.length !== expected.length || !timingSafeEqual(found, expected)) return 'failed';

  const serverSignature = hmac(hmac(salted, 'Server Key'), authMessage).toString('base64');
  // The client answers the server's proof with an empty line (protocol 4).
  const last = await ask(`v=${serverSignature}`);
  return last === undefined ? 'cancelled' : 'ok';
}

function octets(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1');
}
