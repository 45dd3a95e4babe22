import assert from 'node:assert/strict';
import test from 'node:test';
import { parseArguments } from '../../../src/cli/arguments/arguments.ts';
import { choicePlan } from '../../../src/cli/run-plan/choice-plan.ts';
import { parseNameList } from '../../../src/cli/run-plan/read-name-list.ts';

test('who is chosen, in what order and with what limits comes from the command line', () => {
  const { choosing } = parseArguments([
    ...['-A', '--include', 'a*', '--include=b*', '--exclude', 'bob', '--exclude-from', 'list'],
    ...['--shard', '2/10', '--order', 'name', '--max-errors', '5', '--max-duration', '1h30m'],
  ]);
  assert.deepEqual(choosing, {
    ...{ include: ['a*', 'b*'], exclude: ['bob'], excludeFrom: 'list', shard: { number: 2, of: 10 } },
    ...{ order: 'name', maxErrors: 5, maxDuration: 5_400 },
  });
});

test('a list of exclusions takes what other systems add to a file', () => {
  const { choosing } = parseArguments(['-A', '--exclude-from', 'list']);
  const listed = parseNameList('\xef\xbb\xbf# who has left\r\n\r\n  bob* \r\ncarl');
  assert.deepEqual(choicePlan(choosing, listed)?.exclude, ['bob*', 'carl']);
});

test('nothing chosen is everybody', () => {
  assert.equal(choicePlan(parseArguments(['-A']).choosing, []), undefined);
});

for (const [argv, message] of [
  [['-A', '--shard', '0/4'], /--shard expects K\/N, such as 1\/4, with K from 1 to N, found "0\/4"/],
  [['-A', '--shard', '5/4'], /found "5\/4"/],
  [['-A', '--shard', '2'], /found "2"/],
  [['-A', '--order', 'age'], /'age' is invalid.*size, name, list/],
  [['-A', '--order', 'list'], /--order list with -u/],
  [['-A', '--max-errors', '0'], /--max-errors expects a whole number from 1, found "0"/],
  [['-A', '--max-errors', 'many'], /found "many"/],
  [['-A', '--max-duration', '0'], /--max-duration expects a time/],
  [['-A', '--max-duration', '1y'], /found "1y"/],
  [['-A', '--max-duration', '24d'], /up to 23 days.*found "24d"/],
  [['-m', '--include', 'a', 'user/a'], /expected --include with -A or -u alone/],
  [['-s', '--exclude', 'a', 'a'], /expected --exclude with -A or -u alone/],
  [['-R', '--exclude-from', 'a'], /expected --exclude-from with -A or -u alone/],
  [['-R', '--shard', '1/2'], /expected --shard with -A or -u alone/],
  [['-m', '--order', 'name', 'user/a'], /expected --order with -A or -u alone/],
  [['-R', '--max-errors', '1'], /no --max-errors in rolling mode/],
  [['-1', '--max-duration', '1h'], /no --max-duration in rolling mode/],
  [['-R', '--report', 'x'], /no --report in rolling mode/],
  [['-u', '-f', '-', '--exclude-from', '-'], /standard input for one of -f and --exclude-from/],
] as const) {
  test(`refused with one line: ${argv.join(' ')}`, () => {
    assert.throws(
      () => parseArguments(argv),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'USAGE');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  });
}

test('a pattern that is none is named with its place', () => {
  const plan = (...argv: string[]) =>
    choicePlan(parseArguments(['-A', ...argv]).choosing, [{ name: '[x', line: 3 }]);
  assert.throws(() => plan('--include', ''), {
    code: 'USAGE',
    message: /^--include: expected a pattern .* found ""/,
  });
  assert.throws(() => plan('--exclude', '{a'), { code: 'USAGE', message: /^--exclude: .* found "\{a"/ });
  assert.throws(() => plan('--exclude-from', '/tmp/list'), {
    code: 'USAGE',
    message: /^\/tmp\/list:3: .* found "\[x"/,
  });
});
