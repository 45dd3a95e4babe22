/** JSON leaves these as they are, and they steer a terminal: DEL and C1, format characters such as those of direction, line separators. */
const STEERING = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A value as JSON that may be looked at: what would steer a terminal is written by its number, as JSON itself has it. Whoever
 * parses it gets the same value.
 *
 * @param indent blanks for each level; 0: all in one line
 */
export function printableJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replaceAll(STEERING, escaped);
}

/** A character beyond the first 65,536 is two. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}
