import { setTimeout as wait } from 'node:timers/promises';
import { type AgentEvent, runAgent } from '../../src/fleet/agent/run-agent.ts';
import { DEFAULT_RULES } from '../../src/fleet/queue/fleet-queue.ts';
import { openQueue } from '../../src/fleet/queue/open-queue.ts';
import type { ReportEntry } from '../../src/report/document/report-entry.ts';
import type { PretendSettings } from './pretend-settings.ts';

const settings: PretendSettings = JSON.parse(process.argv[2] ?? '');
const { leaseMs } = DEFAULT_RULES;
// All of a process share a connection, so that more than a machine has room for can be tried.
await using queue = await openQueue(settings.queue, 'fleet', DEFAULT_RULES);
const signal = new AbortController().signal;
let busyMs = 0;
let thereMs = 0;

await Promise.all(
  Array.from({ length: settings.agents }, async (_, at) => {
    const number = settings.first + at;
    const master = `m${Math.floor(number / settings.agentsOfAMaster) + 1}`;
    const agent = { name: `agent-${number}`, host: 'host', pid: process.pid, masters: [master] };
    let first: number | undefined;
    let last = 0;
    const tell = (event: AgentEvent): void => {
      if (event.kind !== 'ends') return;
      first ??= event.result.began;
      last = event.result.ended;
      busyMs += event.result.ended - event.result.began;
    };
    await runAgent(
      { ...agent, untilDone: true, leaseMs },
      {
        queue,
        tell,
        runSlice: async ({ users }) => {
          await wait(settings.sliceSeconds * 1_000);
          return { entries: new Map(users.map((user) => [user, provenEntry(user)])), endedBy: undefined };
        },
      },
      signal,
    );
    thereMs += last - (first ?? last);
  }),
);
process.stdout.write(JSON.stringify({ busyMs, thereMs }));

function provenEntry(user: string): ReportEntry {
  return {
    ...{ user, mailboxes: null, status: 'replicated', grade: 'identical', compared: true, differences: 0 },
    ...{
      mailboxesUpdated: 9,
      messages: 50,
      octets: 5e6,
      seconds: 0.5,
      attempts: 1,
      lockWaits: 0,
      error: null,
    },
    ...{ damagedMessages: 0, damaged: [], found: [] },
  };
}
