import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CyrusPrograms } from '../lab/cyrus-programs.ts';
import { type CellOutcome, type MatrixCell, PHASES, runMatrixCell } from '../lab/matrix-cell.ts';

/*
 * Every version as master and replica of every other, over both services: the table of docs/compatibility.md.
 *
 *   node run-matrix.js FOLDER... [--only MASTER:REPLICA,...] [--write]
 *
 * A FOLDER has the programs of a version. --write puts what was run into the table of the page.
 */
const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'compatibility.md');
const [BEGIN, END] = ['<!-- matrix -->', '<!-- end of matrix -->'];

const args = process.argv.slice(2);
const write = args.includes('--write');
const only = args.includes('--only') ? args[args.indexOf('--only') + 1]?.split(',') : undefined;
const versions = args.filter((each) => each.startsWith('/')).map((folder) => new CyrusPrograms(folder));

const cells: MatrixCell[] = versions.flatMap((master) =>
  versions.flatMap((replica) =>
    (['csync', 'imapd'] as const).map((service) => ({ master, replica, service })),
  ),
);
const rows: string[] = [];
let wrong = 0;
for (const cell of cells) {
  const { master, replica, service } = cell;
  const [from, to] = [minor(master), minor(replica)];
  if (only !== undefined && !only.includes(`${from}:${to}`)) continue;
  const outcome = await runMatrixCell(cell);
  const failed = PHASES.filter((phase) => outcome[phase].length > 0);
  if (failed.length > 0) wrong += 1;
  const date = new Date().toISOString().slice(0, 10);
  rows.push(`| ${master.version} | ${replica.version} | ${service} | ${verdict(failed)} | ${date} |`);
  console.log(rows.at(-1));
  for (const phase of failed) tell(phase, outcome);
}
if (write) writeTable(rows);
process.exitCode = wrong > 0 ? 1 : 0;

function minor({ version }: CyrusPrograms): string {
  return version.split('.').slice(0, 2).join('.');
}

function verdict(failed: readonly string[]): string {
  return failed.length === 0 ? 'right' : `**wrong**: ${failed.join(', ')}`;
}

function tell(phase: (typeof PHASES)[number], outcome: CellOutcome): void {
  for (const line of outcome[phase]) console.log(`  ${phase}: ${line}`);
}

function writeTable(lines: readonly string[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`${PAGE}: expected the comments ${BEGIN} and ${END}`);
  const head = ['| Master | Replica | Service | Five phases | Run |', '|---|---|---|---|---|'];
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
  return row.split('|').slice(1, 4).join('|');
}
