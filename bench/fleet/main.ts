import { argumentsOf } from '../../test/lab/arguments-of.ts';
import { manyAgents } from './many-agents.ts';
import { moveUsers } from './move-users.ts';
import { planLarge } from './plan-large.ts';
import { sizeOfQueue } from './size-of-queue.ts';

/**
 * `npm run bench:fleet -- CASE [--queue directory|Redis|PostgreSQL] [--agents N] [--users N]`: `plan`, a large plan; `move`, real servers,
 * agents against a loop over the same slices; `many`, agents that only pretend to move anything; `sizes`, what a queue holds of ten
 * times so many users, and how many slices a second it hands out.
 */
const USAGE = 'usage: npm run bench:fleet -- plan|move|many|sizes [--queue NAME] [--agents N] [--users N]';
const { values, positionals } = argumentsOf(USAGE, {
  allowPositionals: true,
  options: {
    queue: { type: 'string', default: 'Redis' },
    agents: { type: 'string', default: '8' },
    users: { type: 'string', default: '10000' },
  },
});
const [name = ''] = positionals;
const agents = Number(values.agents);
const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  plan: () => planLarge(Number(values.users)),
  move: () => moveUsers(values.queue, agents),
  many: () => manyAgents(values.queue, agents),
  sizes: () => sizeOfQueue(values.queue, Number(values.users)),
};
const run = cases[name];
if (run === undefined || !(agents > 0)) {
  console.error(`expected one of ${Object.keys(cases).join(', ')}, found "${name}"`);
  process.exit(64);
}
console.log(JSON.stringify({ case: name, queue: values.queue, ...((await run()) as object) }));
