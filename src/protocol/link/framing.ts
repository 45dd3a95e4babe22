/** How commands are framed: by a stand-alone sync_server, or inside IMAP (protocol 6). */
export type Flavour = 'csync' | 'imap';

export type Verb = 'GET' | 'APPLY' | 'RESTART' | 'NOOP' | 'EXIT' | 'COMPRESS' | 'UNAUTHENTICATE';

const IMAP_VERBS: Record<Verb, string> = {
  GET: 'SYNCGET',
  APPLY: 'SYNCAPPLY',
  RESTART: 'SYNCRESTART',
  NOOP: 'NOOP',
  EXIT: 'LOGOUT',
  COMPRESS: 'COMPRESS',
  UNAUTHENTICATE: 'UNAUTHENTICATE',
};

/** Tags that the C client uses for these two; everything else is S<n>. */
const FIXED_TAGS: Partial<Record<Verb, string>> = { NOOP: 'N01', EXIT: 'Q01' };

/** The words before a command's arguments, and the tag that its final answer bears. */
export interface Frame {
  prefix: string;
  tag: string | undefined;
}

/** Counts IMAP tags from S0 for the life of the connection. */
export class Framing {
  readonly flavour: Flavour;
  #next = 0;

  constructor(flavour: Flavour) {
    this.flavour = flavour;
  }

  frame(verb: Verb): Frame {
    if (this.flavour === 'csync') return { prefix: verb, tag: undefined };
    const tag = FIXED_TAGS[verb] ?? `S${this.#next++}`;
    return { prefix: `${tag} ${IMAP_VERBS[verb]}`, tag };
  }
}
