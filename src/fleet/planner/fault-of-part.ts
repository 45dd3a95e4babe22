import { printableJson } from '../../report/printable-json.ts';
import { shownValue } from '../../report/shown-value.ts';
import { FLEET_NAME, FLEET_NAME_FORM } from './inventory.ts';

/** Says what a value of a plan has to be, in words and as a question. */
interface Rule {
  form: string;
  holds(value: unknown): boolean;
}

const MINUTES_PER_DAY = 1_440;
/** Three names and what is in it. A number alone is what BullMQ gives to jobs without a name. */
const SLICE_ID = /^(?![0-9]+$)[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isMinute = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < MINUTES_PER_DAY;

const NAME: Rule = {
  form: FLEET_NAME_FORM,
  holds: (value) => typeof value === 'string' && FLEET_NAME.test(value),
};
const TEXT: Rule = { form: 'text', holds: isText };
const COUNT: Rule = {
  form: 'a whole number from 1 on',
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
};
const POSITIVE: Rule = { form: 'a number above 0', holds: (value) => isNumber(value) && value > 0 };
const AMOUNT: Rule = { form: 'a number from 0 on', holds: (value) => isNumber(value) && value >= 0 };
const ID: Rule = {
  form: 'letters, digits, ., - and _',
  holds: (value) => typeof value === 'string' && SLICE_ID.test(value),
};
const USERS: Rule = {
  form: 'a list of users',
  holds: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
};
const HOURS: Rule = {
  form: 'from and to, in minutes of the day',
  holds(value) {
    const { from, to } = (value ?? {}) as { from?: unknown; to?: unknown };
    return isMinute(from) && isMinute(to) && from !== to;
  },
};

function orNothing({ form, holds }: Rule): Rule {
  return { form: `${form}, or nothing`, holds: (value) => value === undefined || holds(value) };
}

const AMOUNTS = { messages: AMOUNT, octets: AMOUNT, seconds: AMOUNT };
const GATE = { name: NAME, slices: COUNT, hours: orNothing(HOURS) };

/** The parts of a plan that agents and queues rely on, whoever has edited it. */
const PARTS = {
  master: { ...GATE, server: orNothing(TEXT), settings: orNothing(TEXT) },
  replica: {
    ...{ ...GATE, server: TEXT, channel: orNothing(TEXT), connections: orNothing(COUNT) },
    ...{ octetsPerSecond: orNothing(POSITIVE), space: orNothing(POSITIVE) },
  },
  wave: { name: NAME, users: AMOUNT, ...AMOUNTS },
  slice: { id: ID, users: USERS, round: COUNT, ...AMOUNTS },
} as const satisfies Record<string, Readonly<Record<string, Rule>>>;

export type PlanPart = keyof typeof PARTS;

/**
 * Looks at one part of a plan.
 *
 * @returns undefined if all is well; otherwise what was expected and what was found, in words
 */
export function faultOfPart(kind: PlanPart, part: unknown): { expected: string; found: string } | undefined {
  const values = (part ?? {}) as Readonly<Record<string, unknown>>;
  const { name, id } = values;
  const which = isText(name) ? `${kind} ${name}` : isText(id) ? `${kind} ${id}` : `a ${kind}`;
  for (const [key, { form, holds }] of Object.entries<Rule>(PARTS[kind])) {
    const value = values[key];
    if (holds(value)) continue;
    const found = value === undefined ? 'nothing' : isText(value) ? shownValue(value) : printableJson(value);
    return { expected: `${key} of ${which} to be ${form}`, found };
  }
  return undefined;
}
