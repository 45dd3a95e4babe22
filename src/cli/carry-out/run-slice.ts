import { textFromBytes } from '../../byte-string.ts';
import { MOST_WORKERS } from '../../config/settings.ts';
import type { SliceRun, SliceTerms } from '../../fleet/agent/run-agent.ts';
import type { FleetSlice } from '../../fleet/fleet-slice.ts';
import { LEAST_RATE, MOST_RATE } from '../../operate/throttle/timetable.ts';
import { type ReportEntry, reportEntry } from '../../report/document/report-entry.ts';
import { UserFacts } from '../../report/document/user-facts.ts';
import type { EventListener } from '../../report/events.ts';
import { type PartOf, partLabel } from '../../report/part-of.ts';
import { SyncError } from '../../report/sync-error.ts';
import { externalName } from '../../store/paths/external-name.ts';
import { type Arguments, parseArguments } from '../arguments/arguments.ts';
import { planRun } from '../run-plan/plan-run.ts';
import { type WebPlan, webTakenOver } from '../run-plan/web-plan.ts';
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
  const plan = planRun(args, environment, false, webTakenOver(web));
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

/**
 * A mistake in what this host has would fail one slice after the other, and leave everybody in them to a person.
 *
 * @throws SyncError as `planRun`
 */
export function checkAgentFiles({ files, reads, web, environment }: AgentSurroundings): void {
  const server = 'localhost';
  const sides = { master: { server, settings: undefined }, replica: { server, channel: undefined } };
  const words = commandLine({ users: ['nobody'] }, sides, files, reads);
  try {
    planRun({ ...parseArguments(words), ...logOf(files) }, environment, false, webTakenOver(web));
  } catch (caught) {
    const { code, message, hint, phase } = SyncError.from(caught);
    if (reads === 'files') throw caught;
    // Whoever has only forgotten it would be told of an option that nobody has typed.
    const first = 'an agent on a master is told so with --master NAME';
    throw new SyncError(code, message, {
      phase,
      hint: hint === undefined ? first : `${first}; elsewhere ${hint}`,
    });
  }
}

/** The part of a slice's terms that a command line is made of. */
interface Sides {
  master: Pick<SliceTerms['master'], 'server' | 'settings'>;
  replica: Pick<SliceTerms['replica'], 'server' | 'channel'>;
  connections?: number | undefined;
  octetsPerSecond?: number | undefined;
}

function commandLine(
  { users }: Pick<FleetSlice, 'users'>,
  { master, replica, connections, octetsPerSecond }: Sides,
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
    ...option('--workers', connections && Math.min(connections, MOST_WORKERS)),
    ...option('--bwlimit', rateOf(octetsPerSecond)),
    '--',
    ...users,
  ];
}

/** A share may be smaller than what keeps a session alive, or larger than any link: that is what a run is given then. */
function rateOf(octetsPerSecond: number | undefined): number | undefined {
  if (octetsPerSecond === undefined || octetsPerSecond >= MOST_RATE) return undefined;
  return Math.max(octetsPerSecond, LEAST_RATE);
}

function logOf({ logFile, logFormat, logToStderr }: AgentFiles): Partial<Arguments> {
  return { logFile, logFormat, logToStderr };
}
