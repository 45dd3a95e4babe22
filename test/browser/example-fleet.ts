import type { FleetView, UserStanding } from '../../src/fleet/state/fleet-view.ts';

/** A fleet in the middle of its work, with one agent that was lost, a replica that is paused, and two users in trouble. */
export function exampleFleet(): FleetView {
  const lists = { all: 8_000, proven: 5_120, cancelled: 1, needPerson: 2, left: 2_877 };
  const agent = { host: 'host', since: 0, wave: 'rest' };
  const now = Date.now();
  return {
    standing: 'moving',
    users: lists,
    onNoSlice: 0,
    needy: [
      needy('<i>eve</i>', {
        ...{
          user: '<i>eve</i>',
          outcome: 'needs-person',
          grade: 'failed',
          messages: 1,
          octets: 1,
          seconds: 1,
        },
        error: {
          ...{ code: 'MAILBOX_DAMAGED', message: 'its index ends early', hint: 'Run reconstruct' },
          mailbox: null,
        },
      }),
      { ...needy('frank', undefined), reason: 'its agents were lost too often' },
    ],
    waves: [
      { name: 'pilot', all: 120, proven: 120, cancelled: 0, needPerson: 0, left: 0, done: true },
      { name: 'rest', all: 7_880, proven: 5_000, cancelled: 1, needPerson: 2, left: 2_877, done: false },
    ],
    gates: [
      { name: 'master/m1', limit: 2, held: 1, paused: false },
      { name: 'replica/r1', limit: 4, held: 1, paused: false },
      { name: 'replica/r2', limit: 4, held: 0, paused: true },
    ],
    agents: [
      {
        ...{ ...agent, name: 'm1-host', pid: 4, seen: now - 4_000, masters: ['m1'], isLost: false },
        slice: 'rest.m1.r1.0a1b2c3d4e5f',
      },
      { ...agent, name: 'm2-host', pid: 5, seen: now - 400_000, masters: ['m2'], slice: null, isLost: true },
    ],
    ...{ octets: 4.2e12, rate: 84e6, secondsLeft: 7_512 },
  };
}

function needy(user: string, result: UserStanding['result']): UserStanding {
  return {
    ...{ user, wave: 'rest', master: 'm1', replica: 'r1', slice: 'rest.m1.r1.0a1b2c3d4e5f', round: 1 },
    ...{ outcome: 'needs-person', result, reason: undefined },
  };
}
