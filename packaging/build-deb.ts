import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { programVersion } from '../src/cli/arguments/program-version.ts';
import { argumentsOf } from '../test/lab/arguments-of.ts';
import { syncClientTable, verbTables } from './command-table.ts';
import { completions } from './completions.ts';
import { layOutProgram } from './lay-out-program.ts';
import { manPages } from './man-pages.ts';
import { settingsExample } from './settings-example.ts';
import { settingsTable } from './settings-table.ts';

/*
 * `npm run package:deb` makes dist/cyrus-sync_VERSION_ARCHITECTURE.deb; a directory behind `--` puts it elsewhere. Nothing in it has a path of Debian's packages of
 * Cyrus: their sync_client stays where it is, and ours is found below /usr/lib/cyrus-sync.
 */

const LIBRARY = 'usr/lib/cyrus-sync';
const DOCUMENTATION = 'usr/share/doc/cyrus-sync';
/** The time of all files of the package, that of files in packages of npm: the same sources make the same package. */
const PACKED_AT_SECONDS = '499162500';

const { positionals } = argumentsOf('usage: npm run package:deb -- [DIRECTORY]', {
  options: {},
  allowPositionals: true,
});
/** Where the package is put. */
const [target] = positionals;
if (target !== undefined && !existsSync(target)) {
  console.error(`expected a DIRECTORY that is there, found "${target}"`);
  process.exit(64);
}
const project = fileURLToPath(new URL('../../', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'cyrus-sync-deb-'));
chmodSync(root, 0o755);
try {
  console.log(await build());
} finally {
  rmSync(root, { recursive: true });
}

async function build(): Promise<string> {
  const version = programVersion();
  const packages = layOutProgram(project, join(root, LIBRARY));
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/cyrus-sync/bin/cyrus-sync', join(root, 'usr/bin/cyrus-sync'));
  systemFiles();
  await generated(version);
  documentation(packages);
  setModes();
  return pack(version);
}

function systemFiles(): void {
  const packaging = join(project, 'packaging');
  cpSync(join(packaging, 'systemd'), join(root, 'lib/systemd/system'), { recursive: true });
  put('usr/lib/tmpfiles.d/cyrus-sync.conf', readFileSync(join(packaging, 'files/cyrus-sync.tmpfiles')));
  put('etc/logrotate.d/cyrus-sync', readFileSync(join(packaging, 'files/cyrus-sync.logrotate')));
  put(`${DOCUMENTATION}/examples/cyrus.conf`, readFileSync(join(packaging, 'files/cyrus.conf')));
  put('DEBIAN/conffiles', '/etc/logrotate.d/cyrus-sync\n');
  // Another Node needs code that it has compiled itself.
  put('DEBIAN/triggers', 'interest-noawait /usr/bin/node\n');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    put(`DEBIAN/${script}`, readFileSync(join(packaging, 'debian', script)));
  }
}

async function generated(version: string): Promise<void> {
  const syncClient = syncClientTable();
  const verbs = await verbTables(version);
  const settings = settingsTable(project);
  for (const [name, text] of manPages({ version, syncClient, verbs, settings })) {
    put(`usr/share/man/man${name.at(-1)}/${name}.gz`, compressed(text));
  }
  for (const [path, text] of completions(syncClient, verbs)) put(`usr/share/${path}`, text);
  put(`${DOCUMENTATION}/examples/cyrus-sync.ini`, settingsExample(settings));
}

/** Adds the licences of all that goes along. */
function documentation(packages: readonly string[]): void {
  const licences = packages.flatMap((folder) => {
    const file = readdirSync(join(root, LIBRARY, folder)).find((name) => /^(licen[cs]e|copying)/i.test(name));
    return file ? [`\n${folder}:\n\n${readFileSync(join(root, LIBRARY, folder, file), 'utf8')}`] : [];
  });
  put(`${DOCUMENTATION}/copyright`, readFileSync(join(project, 'LICENSE'), 'utf8') + licences.join(''));
  put(`${DOCUMENTATION}/changelog.gz`, compressed(readFileSync(join(project, 'CHANGELOG.md'), 'utf8')));
  for (const name of readdirSync(join(project, 'docs')).filter((each) => each.endsWith('.md'))) {
    put(`${DOCUMENTATION}/${name}`, readFileSync(join(project, 'docs', name)));
  }
}

function pack(version: string): string {
  const architecture = run('dpkg', '--print-architecture').trim();
  const files = filesOf(root).filter((path) => !path.startsWith('DEBIAN/'));
  const octets = files.reduce((sum, path) => sum + statSync(join(root, path)).size, 0);
  const checksums = files.map(
    (path) =>
      `${createHash('md5')
        .update(readFileSync(join(root, path)))
        .digest('hex')}  ${path}\n`,
  );
  put('DEBIAN/md5sums', checksums.join(''));
  const template = readFileSync(join(project, 'packaging/debian/control'), 'utf8');
  const control = template
    .replace('@VERSION@', version)
    .replace('@ARCHITECTURE@', architecture)
    .replace('@KIBIBYTES@', String(Math.ceil(octets / 1024)));
  put('DEBIAN/control', control);
  const file = join(target ?? join(project, 'dist'), `cyrus-sync_${version}_${architecture}.deb`);
  const time = { SOURCE_DATE_EPOCH: PACKED_AT_SECONDS, ...process.env };
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', '-Zxz', root, file], { env: time });
  return file;
}

/** Whatever the umask of whoever builds it: readable by all, and the scripts can be run. */
function setModes(): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    const runs = /^DEBIAN\/(?:post|pre)|^usr\/lib\/cyrus-sync\/bin\/[^.]+$/.test(relative(root, path));
    chmodSync(path, entry.isDirectory() || runs ? 0o755 : 0o644);
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** Without a time in it, so that the same sources make the same package. */
function compressed(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}
