import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { commanderText } from '../src/cli/arguments/commander-text.ts';
import { checkEnvironment } from '../src/cli/start/check-environment.ts';
import { printable, printableBytes } from '../src/report/printable.ts';
import { SyncError } from '../src/report/sync-error.ts';
import type { ListenAddress } from '../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/start-sandbox.ts';

/** sysexits.h, as sync_client uses them. */
const EX_USAGE = 64;
const EX_SOFTWARE = 70;
const EX_TEMPFAIL = 75;
const EX_CONFIG = 78;

const PASSWORD_VARIABLE = 'SYNC_SANDBOX_PASSWORD';

interface Flags {
  directory: string;
  listen: ListenAddress;
  user: string;
  passwordFile?: string;
  servername: string;
  durable?: true;
  compression: boolean;
  sieveMailbox: boolean;
  verbose?: true;
}

function parseListen(text: string): ListenAddress {
  if (text.startsWith('/')) return { path: text };
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError('Expected host:port, [address]:port or /path/of/socket.');
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

function readPassword(file: string | undefined): string | undefined {
  if (file === undefined) return process.env[PASSWORD_VARIABLE];
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyncError('USAGE', `cannot read the password file: ${reason}`, { cause: error });
  }
}

const program = new Command('sync_sandbox')
  .description('A replica for trials: the Cyrus replication protocol, server side, on an embedded database.')
  .requiredOption('-d, --directory <path>', 'where the database is kept; made if missing')
  .addOption(
    new Option('-l, --listen <address>', 'host:port (port 0: any free one) or /path/of/socket')
      .argParser(parseListen)
      .default({ host: '127.0.0.1', port: 0 }, '127.0.0.1:0'),
  )
  .option('-u, --user <name>', 'who may log in', 'replication')
  .option('-p, --password-file <path>', `file with the user's password; default: $${PASSWORD_VARIABLE}`)
  .option('--servername <name>', 'name in the banner', 'sandbox')
  .option('--durable', 'each command is on disk before it is answered')
  .option('--no-compression', 'do not offer COMPRESS DEFLATE')
  .option('--no-sieve-mailbox', 'do not offer SIEVE-MAILBOX')
  .option('-v, --verbose', 'refusals and faults on stderr')
  // The thrown error says the same.
  .configureOutput({ writeErr: () => undefined })
  .exitOverride();

async function serve(): Promise<void> {
  program.parse();
  const flags = program.opts<Flags>();
  const password = readPassword(flags.passwordFile);
  if (password === undefined && !('path' in flags.listen)) {
    throw new SyncError('USAGE', `no password: give --password-file or set ${PASSWORD_VARIABLE}`);
  }
  const sandbox = await startSandbox({
    directory: flags.directory,
    listen: flags.listen,
    user: flags.user,
    ...(password === undefined ? {} : { password }),
    servername: flags.servername,
    durable: flags.durable ?? false,
    offer: { compression: flags.compression, sieveMailbox: flags.sieveMailbox },
    ...(flags.verbose ? { log: (line: string) => process.stderr.write(`${printable(line)}\n`) } : {}),
  });
  const stop = () => void sandbox.close().catch(tell);
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.on('SIGUSR1', () => process.stderr.write(`${statusLine(sandbox)}\n`));
  process.stdout.write(`listening on ${sandbox.server}\n`);
}

/** The answer to SIGUSR1. */
function statusLine(sandbox: Sandbox): string {
  const { users, mailboxes, messages } = sandbox.counts();
  const { openConnections } = sandbox.traffic();
  return `status: connections=<${openConnections}> users=<${users}> mailboxes=<${mailboxes}> messages=<${messages}>`;
}

function exitCode(error: SyncError): number {
  if (error.code === 'USAGE') return EX_USAGE;
  if (error.code === 'CONFIG') return EX_CONFIG;
  return error.code === 'BUG' ? EX_SOFTWARE : EX_TEMPFAIL;
}

/** The whole command: serves until it is told to stop. The exit code is set when that was not to be. */
export async function main(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      // A reader that is gone, or a disk without room, ends the output; the clients have nothing to do with it.
    });
  }
  try {
    checkEnvironment(process.env);
    await serve();
  } catch (caught) {
    if (caught instanceof CommanderError) {
      if (caught.exitCode === 0) return;
      process.stderr.write(`sync_sandbox: ${printable(commanderText(caught, program))}\n`);
      process.exitCode = EX_USAGE;
      return;
    }
    tell(caught);
  }
}

function tell(caught: unknown): void {
  const error = SyncError.from(caught, { phase: 'start' });
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  process.stderr.write(`sync_sandbox: ${printableBytes(error.message + hint)}\n`);
  process.exitCode = exitCode(error);
}
