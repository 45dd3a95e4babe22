import { readFileSync } from 'node:fs';
import { parseByteSize } from '../../config/values.ts';
import type { Pace } from '../../plan/estimate-seconds.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';
import { usageError } from '../arguments/arguments.ts';
import type { PlanOptions } from './carry-out-plan.ts';

/** `--dry-run` beside the options of a run. */
export const PLAIN_PLAN: PlanOptions = {
  pace: { octetsPerSecond: undefined, messagesPerSecond: undefined },
  json: false,
};

/**
 * The options that a plan has besides those of a run.
 *
 * @throws SyncError USAGE; IO for a report that cannot be read
 */
export function planOptions({
  rate,
  messageRate,
  rateFrom,
  json,
}: Readonly<Record<string, unknown>>): PlanOptions {
  const measured = rateFrom === undefined ? PLAIN_PLAN.pace : paceOfReport(String(rateFrom));
  return {
    pace: {
      octetsPerSecond: rate === undefined ? measured.octetsPerSecond : octetsPerSecond(String(rate)),
      messagesPerSecond:
        messageRate === undefined ? measured.messagesPerSecond : messagesPerSecond(String(messageRate)),
    },
    json: json === true,
  };
}

function octetsPerSecond(text: string): number {
  const octets = parseByteSize(text);
  if (octets !== undefined && octets > 0) return octets;
  throw usageError(`option --rate expects octets a second, such as 500K or 20M, found ${shownValue(text)}`);
}

function messagesPerSecond(text: string): number {
  const messages = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (messages > 0 && Number.isSafeInteger(messages)) return messages;
  throw usageError(`option --message-rate expects messages a second, found ${shownValue(text)}`);
}

/** The pace of a run before; its report says how long it took. */
function paceOfReport(file: string): Pace {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (caught) {
    if (!(caught instanceof Error && 'code' in caught)) throw caught;
    throw new SyncError(
      'IO',
      `${file}: expected a report for --rate-from, but it cannot be read (${caught.code})`,
      {
        phase: 'start',
        cause: caught,
      },
    );
  }
  const { seconds, octets, messages } = runOf(text);
  if (isPositive(seconds) && isPositive(octets) && isPositive(messages)) {
    return { octetsPerSecond: octets / seconds, messagesPerSecond: messages / seconds };
  }
  throw usageError(
    `--rate-from: expected the report (--report, JSON) of a run that has sent messages: ${file}`,
  );
}

function runOf(text: string): { seconds?: unknown; octets?: unknown; messages?: unknown } {
  try {
    const document: { run?: object } | null = JSON.parse(text);
    return document?.run ?? {};
  } catch (caught) {
    if (caught instanceof SyntaxError) return {};
    throw caught;
  }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0;
}
