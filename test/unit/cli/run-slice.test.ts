import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { runSlice } from '../../../src/cli/carry-out/run-slice.ts';
import type { SliceTerms } from '../../../src/fleet/agent/run-agent.ts';

test('whatever a replica is allowed, the share of a slice is one that its run takes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'run-slice-'));
  const configFile = join(directory, 'imapd.conf');
  await writeFile(configFile, `configdirectory: ${directory}\npartition-default: ${directory}\n`);
  const files = {
    ...{ configFile, settingsFile: undefined, logFile: undefined },
    ...{ logFormat: 'text' as const, logToStderr: false },
  };
  const slice = {
    ...{ id: 's0', wave: 'all', master: 'm1', replica: 'r1', users: ['anna'], round: 1 },
    ...{ messages: 0, octets: 0, seconds: 1 },
  };
  const shares: Pick<SliceTerms, 'connections' | 'octetsPerSecond'>[] = [
    { connections: 10_000, octetsPerSecond: undefined },
    { connections: 1, octetsPerSecond: 1 },
    { connections: 1, octetsPerSecond: 10 ** 15 },
  ];
  for (const share of shares) {
    const terms: SliceTerms = {
      master: { name: 'm1', server: undefined, settings: undefined, slices: 1, hours: undefined },
      replica: {
        ...{ name: 'r1', server: '127.0.0.1:1', channel: undefined, slices: 1, space: undefined },
        ...{ connections: undefined, octetsPerSecond: undefined, hours: undefined },
      },
      ...share,
    };
    const surroundings = { files, reads: 'files', fleet: 'fleet', web: undefined, environment: {} } as const;
    const { endedBy } = await runSlice(slice, terms, surroundings, new AbortController().signal);
    // It has begun, and there is neither a master nor a replica.
    assert.match(endedBy?.message ?? '', /mailboxes\.db: no such file|ECONNREFUSED/);
  }
  await rm(directory, { recursive: true });
});
