/** An address with a login in it, however it is spelled: `scheme://USER:PASSWORD@HOST`, or with a token in its query. */
const MAY_HOLD_PASSWORD = /:.*@|\/\/.*[?#]/s;

/**
 * A value that the operator has given, as an error may quote it. Nobody knows what was meant by what is not understood: an
 * address with a mistake in it, or one given to another option, may hold a password all the same, and then nothing of it is shown.
 */
export function shownValue(text = ''): string {
  return mayHoldPassword(text) ? 'something that may hold a password' : `"${text}"`;
}

export function mayHoldPassword(text: string): boolean {
  return MAY_HOLD_PASSWORD.test(text);
}
