/**
 * The value grammars of imapd.conf (store 1.2). Each parser answers undefined for what Cyrus refuses, so that the
 * caller, who knows file and line, can say so.
 */

/** Cyrus keeps INT and DURATION in 32 bits. */
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

const SECONDS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const KIBI = 1024;
const BYTES = { '': 1, B: 1, K: KIBI, M: KIBI ** 2, G: KIBI ** 3 } as const;

export type DurationUnit = keyof typeof SECONDS;

export const SWITCH_FORMS = 'a switch (1, yes, on, true, t or 0, no, off, false, f; lower case)';
export const INTEGER_FORMS = 'an integer (decimal, 0x hexadecimal or 0 octal)';
export const DURATION_FORMS = 'a duration such as 90, 20m or 1d12h (units d, h, m, s)';
export const BYTE_SIZE_FORMS = 'a size such as 8192, 64K or 1 MiB';

/** Case-sensitive and by first letters only, as Cyrus: `Yes` is refused, `yonder` is true. */
export function parseSwitch(value: string): boolean | undefined {
  if (/^(?:0|n|of|f)/.test(value)) return false;
  if (/^(?:1|y|on|t)/.test(value)) return true;
  return undefined;
}

/** strtol with base 0. */
export function parseInteger(value: string): number | undefined {
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/.exec(value);
  if (match === null) return undefined;
  const [, sign, hexadecimal, octal, decimal] = match;
  const magnitude =
    hexadecimal !== undefined
      ? Number.parseInt(hexadecimal, 16)
      : octal !== undefined
        ? Number.parseInt(octal === '' ? '0' : octal, 8)
        : Number(decimal);
  const number = sign === '-' && magnitude !== 0 ? -magnitude : magnitude;
  return number >= INT32_MIN && number <= INT32_MAX ? number : undefined;
}

/** @returns seconds */
export function parseDuration(value: string, defaultUnit: DurationUnit = 's'): number | undefined {
  if (!/^-?(?:[0-9]+[dhms])*(?:[0-9]+[dhms]?)$/.test(value)) return undefined;
  let seconds = 0;
  for (const [, digits, unit] of value.matchAll(/([0-9]+)([dhms]?)/g)) {
    seconds += Number(digits) * SECONDS[unit === '' ? defaultUnit : (unit as DurationUnit)];
  }
  if (seconds > INT32_MAX) return undefined;
  return value.startsWith('-') && seconds !== 0 ? -seconds : seconds;
}

/** @returns octets */
export function parseByteSize(value: string, defaultUnit: keyof typeof BYTES = ''): number | undefined {
  const match = /^([+-]?[0-9]+)(?:[ \t\n\v\f\r]*(?:([kmg])i?b?|(b)))?$/i.exec(value);
  if (match === null) return undefined;
  const [, digits, multiple, plain] = match;
  const unit = multiple?.toUpperCase() ?? plain?.toUpperCase() ?? defaultUnit;
  const size = Number(digits) * BYTES[unit as keyof typeof BYTES];
  return Number.isSafeInteger(size) ? size : undefined;
}

/** The word an ENUM value stands for: its own spelling, after the spellings of on and off have been made one. */
export function enumWord(value: string): string {
  if (['1', 'yes', 't', 'true'].includes(value)) return 'on';
  if (['0', 'no', 'f', 'false'].includes(value)) return 'off';
  return value;
}

/** Words between blanks as C's isspace sees blanks; JavaScript's `\s` would split names at 0xA0. */
export function wordsOf(value: string): string[] {
  return value.split(/[ \t\n\v\f\r]+/).filter((word) => word !== '');
}
