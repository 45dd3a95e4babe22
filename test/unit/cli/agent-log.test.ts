import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openAgentLog } from '../../../src/cli/carry-out/agent-log.ts';
import type { AgentEvent } from '../../../src/fleet/agent/run-agent.ts';
import type { FleetSlice } from '../../../src/fleet/fleet-slice.ts';
import type { LogFormat } from '../../../src/report/sinks/log-file.ts';

const slice: FleetSlice = {
  ...{ id: 'pilot.m1.r1.0a1b/1.a\nb', wave: 'pilot', master: 'm1', replica: 'r1', users: ['a\nb'], round: 2 },
  ...{ messages: 1, octets: 1, seconds: 1 },
};
const label = 'autumn/pilot/pilot.m1.r1.0a1b/1.a\\x0ab';
const events: AgentEvent[] = [
  { kind: 'begins', slice, attempt: 2 },
  { kind: 'lost', slice },
  {
    kind: 'queue-away',
    error: {
      code: 'QUEUE_UNAVAILABLE',
      family: 'link',
      message: 'the queue q does not answer',
      retryable: true,
    },
  },
];

test('an agent says on standard error and in its log file what it is at, one line each, by fleet, wave and slice', () => {
  using scene = logScene('text', false);
  for (const event of events) scene.log.tell(event);
  const texts = [
    `begins ${label}: 1 user of m1 to r1, attempt 2`,
    `has lost ${label}: its lease ran out, another agent goes on with it`,
    'autumn: the queue q does not answer',
  ];
  assert.deepEqual(
    scene.said,
    texts.map((text) => `cyrus-sync fleet: ${text}`),
  );
  const levels = ['info', 'warning', 'error'];
  assert.deepEqual(
    scene.lines('log').map((line) => line.replace(/^\S+ /, '')),
    texts.map((text, at) => `cyrus-sync[${process.pid}]: ${levels[at]}: ${text}`),
  );
});

test('in JSON the lines of an agent have fleet, wave and slice as fields', () => {
  using scene = logScene('json', true);
  for (const event of events) scene.log.tell(event);
  const told = (lines: readonly string[]) =>
    lines.map((line) => {
      const { event, level, fleet, wave, slice: id, code } = JSON.parse(line);
      return [event, level, fleet, wave, id, code];
    });
  const of = ['autumn', 'pilot', slice.id, null];
  const expected = [
    ['agent:begins', 'info', ...of],
    ['agent:lost', 'warning', ...of],
    ['agent:queue-away', 'error', 'autumn', undefined, undefined, 'QUEUE_UNAVAILABLE'],
  ];
  assert.deepEqual(told(scene.said), expected);
  assert.deepEqual(told(scene.lines('log')), expected);
});

test('a log file of an agent that was moved away is opened anew at a HUP', () => {
  using scene = logScene('text', false);
  const [begins, lost] = events;
  assert.ok(begins && lost);
  scene.log.tell(begins);
  renameSync(join(scene.directory, 'log'), join(scene.directory, 'log.1'));
  process.emit('SIGHUP');
  scene.log.tell(lost);
  assert.match(scene.lines('log.1').join(), /begins/);
  assert.match(scene.lines('log').join(), /has lost/);
});

function logScene(logFormat: LogFormat, logToStderr: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'agent-log-'));
  const said: string[] = [];
  const files = { configFile: undefined, settingsFile: undefined, logFile: join(directory, 'log') };
  const log = openAgentLog({ ...files, logFormat, logToStderr }, 'autumn', (line) => said.push(line));
  return {
    ...{ directory, said, log },
    lines: (name: string): string[] =>
      readFileSync(join(directory, name), 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    [Symbol.dispose]() {
      log[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}
