import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Arguments, parseArguments } from '../../../src/cli/arguments/arguments.ts';
import { commandLine, USAGE } from '../../../src/cli/arguments/command-line.ts';
import { assertRefused } from '../../lab/config-of.ts';

/** The differences from a plain `-A`, so that a test sees side effects of an option too. */
function given(...argv: string[]): Partial<Arguments> {
  const plain = Object.entries(parseArguments(['-A']));
  const parsed = new Map(Object.entries(parseArguments(argv)));
  return Object.fromEntries(
    plain.flatMap(([key, value]) => {
      const other = parsed.get(key);
      return JSON.stringify(other) === JSON.stringify(value) ? [] : [[key, other]];
    }),
  );
}

function assertUsage(argv: string[], message: RegExp): void {
  assertRefused(() => parseArguments(argv), message, 'USAGE');
}

const LONG_NAMES: Readonly<Record<string, string>> = {
  '-1': '--rolling-once',
  '-A': '--all-users',
  '-F': '--shutdown-file',
  '-L': '--local-only',
  '-N': '--skip-locked',
  '-O': '--no-copyback',
  '-R': '--foreground-rolling',
  '-S': '--server',
  '-a': '--stage-to-archive',
  '-d': '--delay',
  '-f': '--input-file',
  '-l': '--verbose-logging',
  '-m': '--mailboxes',
  '-n': '--channel',
  '-o': '--connect-once',
  '-p': '--dest-partition',
  '-r': '--rolling',
  '-s': '--sieve-mode',
  '-t': '--timeout',
  '-u': '--userids',
  '-v': '--verbose',
  '-w': '--delayed-startup',
  '-z': '--require-compression',
};

test('every short option of the C client has the long name of newer Cyrus', () => {
  const options = new Map(commandLine().options.map(({ short, long }) => [short, long]));
  for (const [short, long] of Object.entries(LONG_NAMES)) assert.equal(options.get(short), long, short);
  assert.equal(options.get('-C'), '--config');
});

test('options without a value set what they stand for and nothing else', () => {
  assert.deepEqual(given('-A', '-l'), { verboseLog: true });
  assert.deepEqual(given('-A', '-L'), { local: true });
  assert.deepEqual(given('-A', '-N'), { skipLocked: true });
  assert.deepEqual(given('-A', '-o'), { connectOnce: true });
  assert.deepEqual(given('-A', '-O'), { noCopyback: true });
  assert.deepEqual(given('-A', '-z'), { requireCompression: true });
  assert.deepEqual(given('-A', '-a'), { stageToArchive: true });
  assert.deepEqual(given('-A', '-v'), { verbose: 1 });
  assert.deepEqual(given('-A', '--log-to-stderr'), { logToStderr: true });
  assert.deepEqual(given('-A', '--progress'), { progress: true });
  assert.deepEqual(given('-A', '--no-progress'), { progress: false });
});

test('options with a value take the next word or the rest of their own', () => {
  for (const [option, name] of [
    ['-C', 'configFile'],
    ['-S', 'server'],
    ['-F', 'shutdownFile'],
    ['-p', 'partition'],
    ['--settings', 'settingsFile'],
  ] as const) {
    assert.deepEqual(given('-A', option, 'x y'), { [name]: 'x y' });
    const joined = option.startsWith('--') ? `${option}=x y` : `${option}x y`;
    assert.deepEqual(given('-A', joined), { [name]: 'x y' });
  }
  assert.deepEqual(given('-A', '-n', 'x y'), { channel: 'x y', channels: ['x y'] });
  assert.deepEqual(given('-A', '-nx y'), { channel: 'x y', channels: ['x y'] });
  assert.deepEqual(given('-u', '-f', '/list'), { mode: 'users', inputFile: '/list' });
  assert.deepEqual(given('-A', '-w', '5'), { startDelaySeconds: 5 });
  assert.deepEqual(given('-A', '-t60'), { sessionLifetimeSeconds: 60 });
  assert.deepEqual(given('-A', '-d', '0'), { minimumDelaySeconds: 0 });
  assert.deepEqual(given('-A', '--workers', '12'), { workers: 12 });
  assert.deepEqual(given('-A', '--workers', 'auto'), { workers: 'auto' });
  assert.deepEqual(given('-A', '--exit-codes=extended'), { exitCodes: 'extended' });
});

test('a value may begin with a dash, as with getopt', () => {
  assert.deepEqual(given('-A', '-n', '-x'), { channel: '-x', channels: ['-x'] });
  assert.deepEqual(given('-u', '-f', '-'), { mode: 'users', inputFile: '-' });
});

test('flags can be bundled, the last one with a value', () => {
  assert.deepEqual(given('-vvA'), { verbose: 2 });
  assert.deepEqual(given('-lvu', 'alice'), {
    mode: 'users',
    operands: ['alice'],
    verboseLog: true,
    verbose: 1,
  });
  assert.deepEqual(given('-vnchan', '-A'), { verbose: 1, channel: 'chan', channels: ['chan'] });
  assert.deepEqual(given('-Avn', 'chan'), { verbose: 1, channel: 'chan', channels: ['chan'] });
});

test('-A takes no value: what follows is an operand, and what is bundled with it are options', () => {
  assert.deepEqual(given('-A', 'user.a'), { operands: ['user.a'] });
  assert.deepEqual(given('-Av'), { verbose: 1 });
  assert.deepEqual(given('-A', '-N', 'user.a'), { operands: ['user.a'], skipLocked: true });
});

test('options may follow operands, and -- ends them', () => {
  assert.deepEqual(given('-u', 'alice', '-N', 'bob'), {
    mode: 'users',
    operands: ['alice', 'bob'],
    skipLocked: true,
  });
  assert.deepEqual(given('-u', '--', '-N', '--help'), { mode: 'users', operands: ['-N', '--help'] });
});

test('names that mean something to argument parsers are users like others', () => {
  assert.deepEqual(given('-u', 'help', 'version', '-'), {
    mode: 'users',
    operands: ['help', 'version', '-'],
  });
});

test('each mode is chosen by its option', () => {
  assert.deepEqual(given('-m', 'a'), { mode: 'mailboxes', operands: ['a'] });
  assert.deepEqual(given('-s', 'a'), { mode: 'meta', operands: ['a'] });
  assert.deepEqual(given('-r'), { mode: 'rolling', background: true });
  assert.deepEqual(given('-R'), { mode: 'rolling' });
  assert.deepEqual(given('-1'), { mode: 'rolling', once: true });
  assert.deepEqual(given('-1R'), { mode: 'rolling', once: true });
});

test('no names at all is no error: a script may have none to replicate', () => {
  assert.deepEqual(given('-u'), { mode: 'users' });
});

test('rolling mode serves several channels, the other modes one', () => {
  assert.deepEqual(parseArguments(['-R', '-n', 'a', '-n', 'b', '-n', 'a', '-n', '']).channels, [
    'a',
    'b',
    undefined,
  ]);
  assertUsage(['-A', '-n', 'a', '-n', 'b'], /expected one -n/);
});

test('an empty channel is the default one', () => {
  assert.deepEqual(given('-A', '-n', ''), {});
});

test('two modes are refused in the words of the C client, also the same one twice', () => {
  for (const argv of [['-u', '-m'], ['-A', '-s'], ['-uu'], ['-r', '-R'], ['-u', '-A', '-m']]) {
    assertUsage(argv, /^Mutually exclusive options defined$/);
  }
});

test('no mode is refused in the words of the C client', () => {
  for (const argv of [[], ['alice'], ['-v', '-S', 'x']]) assertUsage(argv, /^No replication mode specified$/);
});

test('unknown options and missing or senseless values are refused by name', () => {
  assertUsage(['-X'], /unknown option '-X'/);
  assertUsage(['-vX', '-A'], /unknown option '-X'/);
  assertUsage(['-h'], /unknown option '-h'/);
  assertUsage(['-A', '--password=hunter2'], /^(?!.*hunter2).*unknown option '--password'/);
  assertUsage(['-5', '-A'], /unknown option '-5'/);
  assertUsage(['-A', '--wrkers', '3'], /unknown option '--wrkers'.*--workers/);
  assertUsage(['-A', '-n'], /'-n, --channel <channel>' argument missing/);
  assertUsage(['-A', '-w', '5s'], /option -w expects a whole number from 0 .*found "5s"/);
  assertUsage(['-A', '-t', '-1'], /option -t expects/);
  assertUsage(
    ['-A', '--workers', '0'],
    /option --workers expects auto or a whole number from 1 to 64, found "0"/,
  );
  assertUsage(['-A', '--exit-codes', 'all'], /'all' is invalid.*classic, extended/);
  assertUsage(['-A', '--verbose=3'], /^option --verbose takes no value$/);
});

test('two prefixes, or a list, with -A are refused rather than half obeyed', () => {
  assertUsage(['-A', 'user.a', 'user.b'], /at most one mailbox name prefix with -A, found 2/);
  assertUsage(['-A', '-f', '/list'], /expected no -f with -A/);
});

test('--help and --version answer, whatever else is missing, and write nothing themselves', () => {
  assert.match(parseArguments(['--version']).answer ?? '', /^\d+\.\d+\.\d+\n$/);
  const help = parseArguments(['--help']).answer ?? '';
  for (const heading of [
    'What to replicate',
    'Where to',
    'How:',
    'Rolling:',
    'What to say:',
    'Examples:',
    'Exit codes:',
  ])
    assert.ok(help.includes(heading), heading);
  for (const option of [
    ...Object.keys(LONG_NAMES),
    ...Object.values(LONG_NAMES),
    '--workers',
    '--settings',
  ]) {
    assert.ok(help.includes(option), option);
  }
});

test('the usage text ends its last line and names the ways to choose', () => {
  assert.ok(USAGE.endsWith('\n'));
  for (const option of ['-u', '-m', '-s', '-A', '--help']) assert.ok(USAGE.includes(option), option);
});

test('the arguments are frozen', () => {
  const parsed = parseArguments(['-u', 'alice']);
  assert.ok(Object.isFrozen(parsed) && Object.isFrozen(parsed.operands));
});

test('no command line makes it throw anything but a usage error', () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...Object.keys(LONG_NAMES),
      ...Object.values(LONG_NAMES),
      '--',
      '-',
      '--workers',
      '5',
      '',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      try {
        parseArguments(argv);
      } catch (caught) {
        assertRefused(
          () => {
            throw caught;
          },
          /./,
          'USAGE',
        );
      }
    }),
    { numRuns: 500 },
  );
});
