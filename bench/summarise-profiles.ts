import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

const SHOWN = 25;
/** Milliseconds: a thread that did less is not shown. */
const WORTH_SHOWING = 50;
const WAITING = new Set(['(idle)', '(program)', '(root)']);

/** Prints, for each thread, the functions with the most time of their own, and how much they have with all they call. */
export function summariseProfiles(directory: string, say: (text: string) => void): void {
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.cpuprofile')) continue;
    const rows = summarise(JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile);
    const busy = rows.filter((row) => !WAITING.has(row.name)).reduce((sum, row) => sum + row.self, 0);
    if (busy < WORTH_SHOWING) continue;
    say(`\n${file}: busy ${busy.toFixed(0)} ms`);
    say('   self ms  total ms  function');
    for (const row of rows.slice(0, SHOWN)) say(lineOf(row));
    say('  and of this program, with all they call:');
    const ours = rows.filter((row) => row.name.includes(' dist/')).sort((a, b) => b.total - a.total);
    for (const row of ours.slice(0, SHOWN)) say(lineOf(row));
  }
}

interface Row {
  name: string;
  /** Milliseconds. */
  self: number;
  total: number;
}

function lineOf({ name, self, total }: Row): string {
  return `${self.toFixed(1).padStart(10)}${total.toFixed(1).padStart(10)}  ${name}`;
}

function summarise(profile: Profile): Row[] {
  const selfOf = new Map<number, number>();
  for (const [index, id] of profile.samples.entries()) {
    selfOf.set(id, (selfOf.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1000);
  }
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const rows = new Map<string, Row>();
  /** A function that is on the stack already is not counted twice. */
  const visit = (id: number, open: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (node === undefined) return 0;
    const { functionName, url, lineNumber } = node.callFrame;
    const place = url === '' ? '' : ` ${url.replace(/^.*\/(?=dist\/|node_modules\/)/, '')}:${lineNumber + 1}`;
    const name = `${functionName || '(anonymous)'}${place}`;
    const row = rows.get(name) ?? { name, self: 0, total: 0 };
    rows.set(name, row);
    const self = selfOf.get(id) ?? 0;
    let total = self;
    const inside = new Set([...open, name]);
    for (const child of node.children ?? []) total += visit(child, inside);
    row.self += self;
    if (!open.has(name)) row.total += total;
    return total;
  };
  const root = profile.nodes[0];
  if (root !== undefined) visit(root.id, new Set());
  return [...rows.values()].sort((a, b) => b.self - a.self);
}
