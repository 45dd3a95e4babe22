import { type CyrusServer, PASSWORD } from './cyrus-server.ts';

/** CalDAV and CardDAV (RFC 4791, 6352) to `httpd`, as a user who has a password: it knows no proxy but in a murder. */
export class DavClient {
  readonly #server: CyrusServer;
  readonly #userid: string;

  constructor(server: CyrusServer, userid: string) {
    this.#server = server;
    this.#userid = userid;
  }

  async put(path: string, content: string): Promise<void> {
    const type = content.startsWith('BEGIN:VCARD') ? 'text/vcard' : 'text/calendar';
    await this.#request('PUT', path, { 'content-type': `${type}; charset=utf-8` }, content);
  }

  async delete(path: string): Promise<void> {
    await this.#request('DELETE', path);
  }

  /** @param name as people see it */
  async makeCalendar(path: string, name: string): Promise<void> {
    const body =
      '<?xml version="1.0" encoding="utf-8"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">' +
      `<D:set><D:prop><D:displayname>${name}</D:displayname></D:prop></D:set></C:mkcalendar>`;
    await this.#request('MKCALENDAR', path, { 'content-type': 'application/xml' }, body);
  }

  async get(path: string): Promise<string> {
    return await this.#request('GET', path);
  }

  async #request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<string> {
    const secret = Buffer.from(`${this.#userid}:${PASSWORD}`).toString('base64');
    const response = await fetch(`http://127.0.0.1:${this.#server.httpPort}/dav/${path}`, {
      method,
      headers: { authorization: `Basic ${secret}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.ok) return text;
    throw new Error(
      `${method} ${path} of ${this.#userid} at ${this.#server.name}: ${response.status} ${text}`,
    );
  }
}
