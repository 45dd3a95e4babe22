import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Operated } from '../../../src/cli/carry-out/operated.ts';
import type { OperatePlan } from '../../../src/cli/run-plan/operate-plan.ts';
import { watch } from '../../../src/operate/watch.ts';
import type { Report } from '../../../src/report/report.ts';
import { FakeSteering } from './fake-steering.ts';
import { leaveDeadSocket } from './leave-dead-socket.ts';

test('a run that opens its socket clears away those of runs that were killed, and leaves that of a dead channel', {
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'operated-'));
  try {
    const [own, killed, channel] = ['run-2', 'run-1', 'offsite'].map((name) =>
      join(directory, `${name}.sock`),
    ) as [string, string, string];
    await leaveDeadSocket(killed);
    await leaveDeadSocket(channel);
    const plan: OperatePlan = {
      ...{ bwlimit: [{ minute: 0, rate: 'off' }], hooks: {}, lagLimitSeconds: 60 },
      pauses: { file: undefined, url: undefined, mostLoad: undefined },
      control: { path: own, named: false },
    };
    const report = { emit: (event: unknown) => assert.fail(JSON.stringify(event)) } as unknown as Report;
    const about = {
      server: 'replica',
      channel: undefined,
      rolling: false,
      spellMailbox: (name: string) => name,
    };
    await using operated = await Operated.open(plan);
    using _steered = operated.steeredBy({ report, watching: watch(about, () => 0) })(new FakeSteering());
    while (existsSync(killed)) await wait(20);
    assert.ok(existsSync(own));
    assert.ok(existsSync(channel));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
