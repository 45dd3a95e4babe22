import type { SaslMechanism } from './mechanism.ts';

/** draft-murchison-sasl-login: two prompts whose text differs between servers, so only their order counts. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  clearText: true,
  byCertificate: false,
  bindsChannel: false,
  start: ({ authname, password }) => {
    let prompts = 0;
    return {
      initialResponse: undefined,
      respond: async () => Buffer.from(prompts++ === 0 ? authname : password, 'latin1'),
      succeeded: () => {},
    };
  },
};
