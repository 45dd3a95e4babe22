import { argumentsOf } from '../lab/arguments-of.ts';
import { killAtRandom } from '../lab/kill-at-random.ts';
import { QUEUES } from '../lab/queue-servers.ts';

/**
 * `npm run fleet:kills -- [--minutes 5] [--queue Redis]`: fleets one after the other, on each kind of queue in turn, whose agents, queue,
 * replicas and starters are killed at random. Every fleet has to end with everybody proven. The queue is away for a minute
 * once for each kind.
 */
const { values } = argumentsOf('usage: npm run fleet:kills -- [--minutes N] [--queue NAME]', {
  options: { minutes: { type: 'string', default: '5' }, queue: { type: 'string' } },
});
const minutes = Number(values.minutes);
const queues = QUEUES.filter(([name]) => values.queue === undefined || name === values.queue);
if (!(minutes > 0) || queues.length === 0) {
  const names = QUEUES.map(([name]) => `"${name}"`).join(', ');
  console.error(`expected --minutes above 0, and --queue ${names}`);
  process.exit(64);
}
const KILLS = 15;
const USERS = 8;
const MINUTE_MS = 60_000;
const end = Date.now() + minutes * MINUTE_MS;
const sums = new Map<string, number>();
let fleets = 0;
while (Date.now() < end) {
  const [name, startQueue] = queues[fleets % queues.length] ?? [];
  const awayForLong = fleets < queues.length && minutes > 2;
  await using server = await startQueue?.();
  console.log(`fleet ${fleets + 1}, over ${name}`);
  const killed = await killAtRandom(server, {
    ...{ users: USERS, kills: KILLS, random: Math.random },
    firstAwayMs: awayForLong ? MINUTE_MS : 1_000,
    tell: (line) => console.log(`  ${line}`),
  });
  fleets += 1;
  for (const [part, count] of Object.entries(killed)) sums.set(part, (sums.get(part) ?? 0) + count);
  console.log('  everybody is proven, once, and the same on both sides');
}
const kills = [...sums].map(([part, count]) => `${part} ${count}`).join(', ');
console.log(`${fleets} fleets of ${2 * USERS} users each; killed: ${kills}`);
