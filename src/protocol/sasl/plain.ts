import type { SaslMechanism } from './mechanism.ts';

/** RFC 4616, without an authorization identity. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  clearText: true,
  byCertificate: false,
  bindsChannel: false,
  start: ({ authname, password }) => ({
    initialResponse: Buffer.from(`\0${authname}\0${password}`, 'latin1'),
    respond: async () => Buffer.from(`\0${authname}\0${password}`, 'latin1'),
    succeeded: () => {},
  }),
};
