/**
 * The door of `operate/throttle`. Here is what slows a run down or holds it by itself: a timetable of rates, and conditions under
 * which nothing goes on. It acts through `Steering` alone, and each condition says for whom and why. What cannot be looked at
 * holds nothing up for ever: it is told, and looked at again.
 */

/** `off`: no limit. */
export type Rate = number | 'off';

export interface TimetableEntry {
  /** Minutes of the day, by this host's clock. */
  minute: number;
  rate: Rate;
}

/** Rates by the time of the day, in order; one entry at minute 0 for a rate that always holds. */
export type Timetable = readonly TimetableEntry[];

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1_000, M: 1_000_000, G: 1_000_000_000 };
/** Below this a session is not kept alive; above it there is no such link. */
export const LEAST_RATE = 1_000;
export const MOST_RATE = 1_000_000_000_000;

export const RATE_FORMS = 'off, or octets a second from 1K up, such as 500K, 10M or 1.5G';
export const TIMETABLE_FORMS = `${RATE_FORMS}; or a timetable such as "08:00,2M 19:00,off"`;

/** @returns undefined if it is none */
export function parseRate(text: string): Rate | undefined {
  if (text.toLowerCase() === 'off') return 'off';
  const match = /^([0-9]{1,12}(?:\.[0-9]{1,6})?)([kmg]?)$/i.exec(text);
  if (!match) return undefined;
  const [, number = '', unit = ''] = match;
  const rate = Math.round(Number(number) * (UNITS[unit.toUpperCase()] ?? Number.NaN));
  return rate >= LEAST_RATE && rate <= MOST_RATE ? rate : undefined;
}

/** @returns undefined if it is none: not a rate, a time of no day, or the same time twice */
export function parseTimetable(text: string): Timetable | undefined {
  const trimmed = text.trim();
  const always = parseRate(trimmed);
  if (always !== undefined) return [{ minute: 0, rate: always }];
  const entries: TimetableEntry[] = [];
  for (const word of trimmed.split(/\s+/)) {
    const match = /^([01]?[0-9]|2[0-3]):([0-5][0-9]),(\S+)$/.exec(word);
    const rate = match && parseRate(match[3] ?? '');
    if (!match || rate === undefined || rate === null) return undefined;
    entries.push({ minute: Number(match[1]) * 60 + Number(match[2]), rate });
  }
  entries.sort((a, b) => a.minute - b.minute);
  const isTwice = entries.some(({ minute }, index) => entries[index - 1]?.minute === minute);
  return isTwice ? undefined : entries;
}

/** The rate at that minute of the day: the latest entry before it, of the day before if there is none. */
export function rateAt(timetable: Timetable, minute: number): Rate {
  return (timetable.findLast((entry) => entry.minute <= minute) ?? timetable.at(-1))?.rate ?? 'off';
}

export function timetableText(timetable: Timetable): string {
  const [only] = timetable;
  if (timetable.length === 1 && only?.minute === 0) return rateText(only.rate);
  const two = (number: number): string => String(number).padStart(2, '0');
  return timetable
    .map(({ minute, rate }) => `${two(Math.floor(minute / 60))}:${two(minute % 60)},${rateText(rate)}`)
    .join(' ');
}

/** As it may be typed. */
export function rateText(rate: Rate): string {
  if (rate === 'off') return rate;
  for (const unit of ['G', 'M', 'K']) {
    const size = UNITS[unit] ?? 1;
    if (rate >= size) return `${Number((rate / size).toFixed(3))}${unit}`;
  }
  return String(rate);
}
