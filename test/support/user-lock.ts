import { join } from 'node:path';
import type { CyrusServer } from './cyrus-server.ts';
import { startAs } from './processes.ts';

/** Perl comes with every Cyrus from packages; the lock is thus taken without any code of this project. */
const HOLD = `
  use Fcntl;
  open(my $file, '+>>', $ARGV[0]) or die "$ARGV[0]: $!";
  my $whole_file = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
  fcntl($file, F_SETLKW, $whole_file) or die "lock: $!";
  $| = 1;
  print "locked\\n";
  <STDIN>;
`;

export interface HeldLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Another process takes the sync lock of a user (store section 11.1) for `replica` as spelled in sync_host. */
export async function lockUser(server: CyrusServer, userid: string, replica: string): Promise<HeldLock> {
  const dotless = (text: string) => text.replaceAll('.', '^');
  const file = join(server.configDirectory, 'lock', `*S*${dotless(replica)}*${dotless(userid)}.lock`);
  const holder = startAs(['perl', '-e', HOLD, file], { cwd: server.directory });
  await holder.waitForOutput((stdout) => stdout.includes('locked'));
  const release = async () => {
    holder.endInput();
    const { code, stderr } = await holder.result;
    if (code !== 0) throw new Error(`the holder of ${file} exited ${code}: ${stderr}`);
  };
  return { release, [Symbol.asyncDispose]: release };
}
