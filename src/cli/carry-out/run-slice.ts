import { textFromBytes } from '../../byte-string.ts';
import type { SliceRun, SliceTerms } from '../../fleet/agent/run-agent.ts';
import type { FleetSlice } from '../../fleet/fleet-slice.ts';
import { type ReportEntry, reportEntry } from '../../report/document/report-entry.ts';
import { UserFacts } from '../../report/document/user-facts.ts';
import type { EventListener } from '../../report/events.ts';
import { type PartOf, partLabel } from '../../report/part-of.ts';
import { externalName } from '../../store/paths/external-name.ts';
import { type Arguments, parseArguments } from '../arguments/arguments.ts';
import { planRun } from '../run-plan/plan-run.ts';
import type { WebPlan } from '../run-plan/web-plan.ts';
import { carryOut } from './carry-out.ts';

const WORDS = { program: 'cyrus-sync fleet', done: 'replicated' };

/** Where this host reads what agents need, whatever the slice. */
export type AgentFiles = Pick<
  Arguments,
  'configFile' | 'settingsFile' | 'logFile' | 'logFormat' | 'logToStderr'
>;

/** All slices of an agent have this. */
export interface AgentSurroundings {
  files: AgentFiles;
  reads: 'files' | 'servers';
  fleet: string;
  /** Where metrics and the status page are; undefined: nowhere. */
  web: WebPlan | undefined;
  environment: NodeJS.ProcessEnv;
}

/**
 * The ordinary run, over the users of a slice, each compared afterwards.
 *
 * @param signal aborted: end politely
 */
export async function runSlice(
  slice: FleetSlice,
  terms: SliceTerms,
  { files, reads, fleet, web, environment }: AgentSurroundings,
  signal: AbortSignal,
): Promise<SliceRun> {
  const args = { ...parseArguments(commandLine(slice, terms, files, reads)), ...logOf(files) };
  const plan = { ...planRun(args, environment, false), web };
  const entries = new Map<string, ReportEntry>();
  const facts = new UserFacts();
  const hear: EventListener = (event) => {
    facts.hear(event);
    if (event.kind !== 'user:settled') return;
    const entry = reportEntry(event, facts.take(event), (name) => externalName(plan.setup.layout, name));
    entries.set(textFromBytes(event.user), entry);
  };
  const part = partOf(fleet, slice);
  let endedBy: SliceRun['endedBy'];
  await carryOut(plan, {}, signal, {
    words: WORDS,
    hear,
    run: partLabel(part),
    part,
    ended: (error) => {
      endedBy = error;
    },
  });
  return { entries, endedBy };
}

/** A slice in all that is told of it. */
export function partOf(fleet: string, { wave, id }: FleetSlice): PartOf {
  return { fleet, wave, slice: id };
}

function commandLine(
  { users }: FleetSlice,
  { master, replica, connections, octetsPerSecond }: SliceTerms,
  { configFile, settingsFile }: AgentFiles,
  reads: 'files' | 'servers',
): string[] {
  const option = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [name, String(value)];
  return [
    // A user whom somebody else works on comes again in the next round, and holds up nobody in this one.
    ...['-u', '-N', '-o', '--verify', '--no-progress'],
    ...option('-C', configFile),
    ...option('--settings', master.settings ?? settingsFile),
    ...option('-S', replica.server),
    ...option('-n', replica.channel),
    ...(reads === 'servers' ? option('--from', master.server) : []),
    ...option('--workers', connections),
    ...option('--bwlimit', octetsPerSecond),
    '--',
    ...users,
  ];
}

function logOf({ logFile, logFormat, logToStderr }: AgentFiles): Partial<Arguments> {
  return { logFile, logFormat, logToStderr };
}
