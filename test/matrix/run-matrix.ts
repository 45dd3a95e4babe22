import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentsOf } from '../lab/arguments-of.ts';
import { CyrusPrograms } from '../lab/cyrus-programs.ts';
import {
  type CellOutcome,
  type MatrixCell,
  type Phase,
  phasesOf,
  runMatrixCell,
} from '../lab/matrix-cell.ts';
import { layoutOfCell } from '../lab/matrix-layouts.ts';

/**
 * `npm run matrix -- [--only MASTER:REPLICA,...] [--from] [--write]`: every version as master and replica of every other, over
 * both services, through the phases of test/lab/matrix-cell.ts: the table of docs/compatibility.md. `--from` runs only those
 * cells whose master is read from its server. `--write` puts what was run into the table of the page.
 */
const ROOT = join(import.meta.dirname, '..', '..', '..');
const PAGE = join(ROOT, 'docs', 'compatibility.md');
/** Names that test/install-cyrus-version.sh has for them, the oldest first, by what their versions begin with. */
const RELEASES = { '3.2': '3.2', '3.6': 'bookworm', '3.10': '3.10', '3.12': '3.12' } as const;
const [BEGIN, END] = ['<!-- matrix -->', '<!-- end of matrix -->'];
/** A difference is cut to this: what a command that failed has said can be long. */
const SHOWN_CHARACTERS = 2_000;
/** A row begins with what is known of its cell before it is run. */
const COLUMNS_OF_A_CELL = 4;

const { values } = argumentsOf('usage: npm run matrix -- [--only MASTER:REPLICA,...] [--from] [--write]', {
  options: {
    only: { type: 'string' },
    from: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const { write } = values;
const only = values.only?.split(',');
const minors = Object.keys(RELEASES);
for (const pair of only ?? []) {
  const sides = pair.split(':');
  if (sides.length === 2 && sides.every((side) => minors.includes(side))) continue;
  console.error(`--only: expected MASTER:REPLICA, each one of ${minors.join(', ')}, found "${pair}"`);
  process.exit(64);
}
const ways = values.from ? (['server'] as const) : (['files', 'server'] as const);
const versions = Object.values(RELEASES).map((release) => new CyrusPrograms(programsOf(release)));
const [oldest] = versions;
if (oldest === undefined) throw new Error('expected the programs of some versions');

const cells: MatrixCell[] = versions.flatMap((master, m) =>
  versions.flatMap((replica, r) =>
    (['csync', 'imapd'] as const).flatMap((service, s) =>
      ways.map((from) => ({ master, replica, service, from, layout: layoutOfCell(m, r, s), oldest })),
    ),
  ),
);
const rows: string[] = [];
let wrong = 0;
for (const cell of cells) {
  const { master, replica, service, from, layout } = cell;
  if (only !== undefined && !only.includes(`${minor(master)}:${minor(replica)}`)) continue;
  if (from === 'server' && !isForServers(cell)) continue;
  const outcome = await runMatrixCell(cell);
  const failed = phasesOf(cell).filter((phase) => (outcome[phase] ?? []).length > 0);
  if (failed.length > 0) wrong += 1;
  const date = new Date().toISOString().slice(0, 10);
  const read = from === 'server' ? 'its server' : 'files';
  const columns = [master.version, replica.version, service, read, layout.name, verdict(failed), date];
  rows.push(`| ${columns.join(' | ')} |`);
  console.log(rows.at(-1));
  // A run takes long: what it has got is kept if it is ended.
  if (write) writeTable(rows);
  for (const phase of failed) tell(phase, outcome);
}
process.exitCode = wrong > 0 ? 1 : 0;

/** Installs them where they are not there yet. */
function programsOf(release: string): string {
  const script = join(ROOT, 'test', 'install-cyrus-version.sh');
  return execFileSync('bash', [script, release], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** Older servers do not tell all that a master has to (docs/operations.md). */
function isForServers({ master, replica }: MatrixCell): boolean {
  return master.isAtLeast(3, 6) && replica.isAtLeast(3, 6);
}

function minor({ version }: CyrusPrograms): string {
  return version.split('.').slice(0, 2).join('.');
}

function verdict(failed: readonly string[]): string {
  return failed.length === 0 ? 'right' : `**wrong**: ${failed.join(', ')}`;
}

function tell(phase: Phase, outcome: CellOutcome): void {
  for (const line of outcome[phase] ?? []) console.log(`  ${phase}: ${line.slice(0, SHOWN_CHARACTERS)}`);
}

function writeTable(lines: readonly string[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`${PAGE}: expected the comments ${BEGIN} and ${END}`);
  const head = [
    '| Master | Replica | Service | Master read from | Layout | Phases | Run |',
    '|---|---|---|---|---|---|---|',
  ];
  const old = page
    .slice(before, after)
    .split('\n')
    .filter((line) => /^\| \d/.test(line));
  const rows = new Map([...old, ...lines].map((line) => [cellOf(line), line]));
  const table = [BEGIN, ...head, ...rows.values(), ''].join('\n');
  writeFileSync(PAGE, page.slice(0, before) + table + page.slice(after));
}

/** The columns that a row is known by. */
function cellOf(row: string): string {
  return row
    .split('|')
    .slice(1, 1 + COLUMNS_OF_A_CELL)
    .join('|');
}
