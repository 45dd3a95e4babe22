import type { ProxyPolicy, Relay } from './scripted-proxy.ts';

/** Makes what the client is told instead of an answer, final line included. */
export type Lie = (answer: string) => string;

/** The end of an answer, a banner or a line of the login. */
const LAST_LINE = /(?:^|\n)(?:OK|NO|BAD|BYE|\+|\* OK)[^\r\n]*\r\n/;

/** A replica that lies, or whoever sits between it and the master: each answer goes through `lie`. */
export class Liar implements ProxyPolicy {
  lie: Lie | undefined;
  /** Everything that clients sent. */
  heard = '';

  toServer(): Relay {
    return (chunk, { pass }) => {
      this.heard += chunk.toString('latin1');
      pass(chunk);
    };
  }

  toClient(): Relay {
    let held = '';
    return (chunk, { pass }) => {
      held += chunk.toString('latin1');
      // Several answers may come at once, and one of them in pieces.
      for (let last = LAST_LINE.exec(held); last; last = LAST_LINE.exec(held)) {
        const answer = held.slice(0, last.index + last[0].length);
        held = held.slice(answer.length);
        pass(this.lie?.(answer) ?? answer);
      }
    };
  }
}
