/** A part of each day in which slices may begin, in minutes by the agent's clock. It may go past midnight. */
export interface Hours {
  from: number;
  to: number;
}

const MINUTES_PER_DAY = 1_440;

export const HOURS_FORM = 'a part of the day such as 22:00-06:00';

/** @returns undefined if it is none */
export function parseHours(text: string): Hours | undefined {
  const [, from, to] = /^([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})$/.exec(text) ?? [];
  const hours = { from: minuteOf(from), to: minuteOf(to) };
  if (hours.from === undefined || hours.to === undefined || hours.from === hours.to) return undefined;
  return { from: hours.from, to: hours.to };
}

function minuteOf(text = ''): number | undefined {
  const [hour = Number.NaN, minute = Number.NaN] = text.split(':').map(Number);
  return hour <= 23 && minute <= 59 ? hour * 60 + minute : undefined;
}

export function isWithin(hours: Hours | undefined, now: Date): boolean {
  if (hours === undefined) return true;
  const minute = now.getHours() * 60 + now.getMinutes();
  const { from, to } = hours;
  return from < to ? from <= minute && minute < to : from <= minute || minute < to;
}

/** @returns seconds of a day */
export function lengthOf(hours: Hours | undefined): number {
  if (hours === undefined) return MINUTES_PER_DAY * 60;
  return ((hours.to - hours.from + MINUTES_PER_DAY) % MINUTES_PER_DAY) * 60;
}
