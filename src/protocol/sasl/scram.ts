import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { linkError } from '../link-errors.ts';
import type { Channel, Credentials, SaslExchange, SaslMechanism } from './mechanism.ts';
import { saslPrepare } from './prepare.ts';

/** Octets of randomness in our nonce. */
const NONCE_OCTETS = 24;
/** RFC 5802 asks for 4096 at least; a rogue server could offer 1 to make guessing cheap. */
const MIN_ITERATIONS = 4096;
/**
 * Above this a server only wants us to burn time, once for each connection. Cyrus's library counts 4,096, and the most
 * that is advised anywhere is below this: a second of one processor.
 */
const MAX_ITERATIONS = 1_000_000;

const HASHES = { 'SCRAM-SHA-1': ['sha1', 20], 'SCRAM-SHA-256': ['sha256', 32] } as const;

/**
 * RFC 5802 and RFC 7677.
 *
 * @param nonce for tests with the vectors of those documents
 */
export function scram(
  name: keyof typeof HASHES | `${keyof typeof HASHES}-PLUS`,
  nonce: () => string = () => randomBytes(NONCE_OCTETS).toString('base64'),
): SaslMechanism {
  const bindsChannel = name.endsWith('-PLUS');
  const [hash, keyLength] = HASHES[name.replace(/-PLUS$/, '') as keyof typeof HASHES];
  return {
    name,
    clearText: false,
    byCertificate: false,
    bindsChannel,
    start: (credentials, channel) =>
      new ScramExchange(hash, keyLength, credentials, nonce(), gs2Of(channel, bindsChannel)),
  };
}

/** The GS2 header, and the octets behind it that bind the exchange to its channel. */
interface Gs2 {
  header: string;
  binding: Buffer;
}

/**
 * Without an authorization identity. `y` says that we would bind the exchange if the server could: one that can knows by it
 * that somebody took its offer away, and refuses.
 */
function gs2Of({ binding, offersBinding }: Channel, bindsChannel: boolean): Gs2 {
  if (bindsChannel && binding !== undefined) return { header: `p=${binding.name},,`, binding: binding.data };
  const header = binding !== undefined && !offersBinding ? 'y,,' : 'n,,';
  return { header, binding: Buffer.alloc(0) };
}

/** start -> first answered -> server proved: server-first comes in `start`, server-final in `first answered`. */
class ScramExchange implements SaslExchange {
  readonly initialResponse: Buffer;
  readonly #hash: string;
  readonly #keyLength: number;
  readonly #password: Buffer;
  readonly #clientFirstBare: string;
  readonly #nonce: string;
  readonly #gs2: Gs2;
  #expectedSignature: Buffer | undefined;
  #proved = false;

  constructor(hash: string, keyLength: number, credentials: Credentials, nonce: string, gs2: Gs2) {
    this.#hash = hash;
    this.#keyLength = keyLength;
    this.#gs2 = gs2;
    this.#password = saslPrepare(credentials.password);
    const user = saslPrepare(credentials.authname)
      .toString('latin1')
      .replace(/=/g, '=3D')
      .replace(/,/g, '=2C');
    this.#nonce = nonce;
    this.#clientFirstBare = `n=${user},r=${nonce}`;
    this.initialResponse = Buffer.from(gs2.header + this.#clientFirstBare, 'latin1');
  }

  async respond(challenge: Buffer): Promise<Buffer> {
    const message = challenge.toString('latin1');
    if (this.#expectedSignature === undefined) {
      // A server that sends an empty challenge first did not take the initial response.
      if (message === '') return this.initialResponse;
      return await this.#answerFirst(message);
    }
    this.#checkFinal(message, this.#expectedSignature);
    return Buffer.alloc(0);
  }

  succeeded(): void {
    if (!this.#proved) throw refused('it said OK without proving that it knows the password');
  }

  async #answerFirst(serverFirst: string): Promise<Buffer> {
    const match = /^r=([^,]+),s=([^,]+),i=(\d{1,9})(?:,.*)?$/.exec(serverFirst);
    const [, nonce = '', salt = '', count = ''] = match ?? [];
    if (match === null) throw refused('its first SCRAM message is malformed');
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw refused('its nonce does not continue ours');
    }
    const iterations = Number(count);
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw refused(`expected ${MIN_ITERATIONS} to ${MAX_ITERATIONS} iterations, found ${iterations}`);
    }
    const octets = Buffer.from(salt, 'base64');
    // In another thread: everything else of this one goes on meanwhile.
    const salted = await promisify(pbkdf2)(this.#password, octets, iterations, this.#keyLength, this.#hash);
    const clientKey = this.#hmac(salted, 'Client Key');
    const storedKey = createHash(this.#hash).update(clientKey).digest();
    const { header, binding } = this.#gs2;
    const bound = Buffer.concat([Buffer.from(header), binding]).toString('base64');
    const withoutProof = `c=${bound},r=${nonce}`;
    const authMessage = `${this.#clientFirstBare},${serverFirst},${withoutProof}`;
    const signature = this.#hmac(storedKey, authMessage);
    const proof = clientKey.map((octet, i) => octet ^ (signature[i] ?? 0));
    this.#expectedSignature = this.#hmac(this.#hmac(salted, 'Server Key'), authMessage);
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`, 'latin1');
  }

  #checkFinal(serverFinal: string, expected: Buffer): void {
    const match = /^(?:v=([^,]+)|e=([^,]+))/.exec(serverFinal);
    if (match?.[2] !== undefined) throw refused(`it answered ${match[2]}`);
    const signature = Buffer.from(match?.[1] ?? '', 'base64');
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw refused('its signature is wrong: it does not know the password');
    }
    this.#proved = true;
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text, 'latin1').digest();
  }
}

function refused(why: string): Error {
  return linkError('AUTHENTICATION_FAILED', `the server failed the SCRAM exchange: ${why}`, {
    phase: 'connect',
    retryable: false,
    hint: 'Check that the server name leads to the real replica and that both sides have the same password',
  });
}
