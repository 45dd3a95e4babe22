import { type CyrusServer, PASSWORD } from './cyrus-server.ts';

const CAPABILITIES = [
  ...['core', 'mail', 'submission', 'vacationresponse'].map((name) => `urn:ietf:params:jmap:${name}`),
  'https://cyrusimap.org/ns/jmap/contacts',
  // For mail that sleeps.
  'https://cyrusimap.org/ns/jmap/mail',
];

/** JMAP (RFC 8620, 8621) to `httpd`, as a user who has a password. */
export class JmapClient {
  readonly #server: CyrusServer;
  readonly #userid: string;

  constructor(server: CyrusServer, userid: string) {
    this.#server = server;
    this.#userid = userid;
  }

  /** @returns its id */
  async upload(content: string, type: string): Promise<string> {
    const text = await this.#request('POST', `upload/${this.#userid}/`, content, type);
    return (JSON.parse(text) as { blobId: string }).blobId;
  }

  async download(blobId: string): Promise<string> {
    return await this.#request('GET', `download/${this.#userid}/${blobId}/blob`);
  }

  /** Calls one method. @returns what it answers; throws what it refuses */
  async call<Answer>(method: string, operands: object): Promise<Answer> {
    const methodCalls = [[method, { accountId: this.#userid, ...operands }, 'one']];
    const body = JSON.stringify({ using: CAPABILITIES, methodCalls });
    const text = await this.#request('POST', '', body, 'application/json');
    const { methodResponses } = JSON.parse(text) as { methodResponses: [string, Refusals & Answer][] };
    const [name, answer] = methodResponses[0] ?? [];
    const { notCreated, notUpdated } = answer ?? {};
    const refused = Object.keys({ ...notCreated, ...notUpdated }).length > 0;
    if (name !== method || answer === undefined || refused) throw new Error(`${method}: ${text}`);
    return answer;
  }

  async #request(method: string, path: string, body?: string, type?: string): Promise<string> {
    const secret = Buffer.from(`${this.#userid}:${PASSWORD}`).toString('base64');
    const response = await fetch(`http://127.0.0.1:${this.#server.httpPort}/jmap/${path}`, {
      method,
      headers: {
        authorization: `Basic ${secret}`,
        ...(type === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.ok) return text;
    throw new Error(`${method} ${path} at ${this.#server.name}: ${response.status} ${text}`);
  }
}

interface Refusals {
  notCreated?: Record<string, unknown>;
  notUpdated?: Record<string, unknown>;
}
