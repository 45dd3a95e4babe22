/**
 * The door of `protocol/sasl`. Here are the mechanisms to log in by, each an exchange of octets, and the choice among them. No
 * socket, no line, no base64. A password goes out in clear only where the caller says that the link is safe enough for it, and
 * a server that cannot prove that it knows the password is not believed.
 */

import { login } from './login.ts';
import type { SaslMechanism } from './mechanism.ts';
import { plain } from './plain.ts';
import { scram } from './scram.ts';

/** Best first. */
const MECHANISMS: readonly SaslMechanism[] = [scram('SCRAM-SHA-256'), scram('SCRAM-SHA-1'), plain, login];

export const SPOKEN_MECHANISMS: readonly string[] = MECHANISMS.map(({ name }) => name);

/**
 * The best mechanism that the server offers, the operator allows and the link is safe enough for.
 *
 * @param offered upper case
 * @param allowed upper case; undefined = any
 */
export function chooseMechanism(
  offered: readonly string[],
  allowed: readonly string[] | undefined,
  clearTextSafe: boolean,
): SaslMechanism | undefined {
  return MECHANISMS.find(
    ({ name, clearText }) =>
      offered.includes(name) &&
      (allowed === undefined || allowed.includes(name)) &&
      (clearTextSafe || !clearText),
  );
}
