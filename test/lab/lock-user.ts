import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { startAs } from './processes.ts';

/** Perl comes with every Cyrus from packages; the lock is thus taken without any code of this project. */
const HOLD = `
  use Fcntl ':DEFAULT', ':flock';
  my ($path, $mechanism) = @ARGV;
  open(my $file, '+>>', $path) or die "$path: $!";
  if ($mechanism eq 'flock') {
    flock($file, LOCK_EX) or die "lock: $!";
  } else {
    my $whole_file = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
    fcntl($file, F_SETLKW, $whole_file) or die "lock: $!";
  }
  $| = 1;
  print "locked\\n";
  <STDIN>;
`;

export interface HeldLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Another process takes the sync lock of a user (store 11.1) for `replica` as spelled in sync_host. */
export async function lockUser(
  server: CyrusServer,
  userid: string,
  replica: string,
  mechanism: 'fcntl' | 'flock' = 'fcntl',
): Promise<HeldLock> {
  const dotless = (text: string) => text.replaceAll('.', '^');
  const file = join(server.configDirectory, 'lock', `*S*${dotless(replica)}*${dotless(userid)}.lock`);
  return await lockFile(server, file, mechanism);
}

/** Another process takes a file of the server exclusively. */
export async function lockFile(
  server: CyrusServer,
  file: string,
  mechanism: 'fcntl' | 'flock' = 'fcntl',
): Promise<HeldLock> {
  const holder = startAs(['perl', '-e', HOLD, file, mechanism], { cwd: server.directory });
  await holder.waitForOutput((stdout) => stdout.includes('locked'));
  const release = async () => {
    holder.endInput();
    const { code, stderr } = await holder.result;
    if (code !== 0) throw new Error(`the holder of ${file} exited ${code}: ${stderr}`);
  };
  return { release, [Symbol.asyncDispose]: release };
}
