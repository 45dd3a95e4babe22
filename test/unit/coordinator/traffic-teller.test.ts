import assert from 'node:assert/strict';
import test from 'node:test';
import { TrafficTeller } from '../../../src/coordinator/pool/traffic-teller.ts';
import type { SyncEvent } from '../../../src/report/events.ts';

test('what went over a connection is told once, at most each second while work goes on, and at its end', () => {
  const told: SyncEvent[] = [];
  const session = { traffic: { sentOctets: 0, receivedOctets: 0, answers: 0 }, servedMs: 0 };
  const teller = new TrafficTeller('0.1', session, (event) => told.push(event));
  const goes = (octets: number): void => {
    const { sentOctets, receivedOctets, answers } = session.traffic;
    session.traffic = {
      sentOctets: sentOctets + octets,
      receivedOctets: receivedOctets + 1,
      answers: answers + 1,
    };
    session.servedMs += 2;
  };
  teller.tellNowAndThen(0);
  goes(10);
  teller.tellNowAndThen(500);
  goes(5);
  teller.tellNowAndThen(1_000);
  teller.tell();
  goes(1);
  teller.tell();
  const connection = { kind: 'connection:traffic', connection: '0.1' } as const;
  assert.deepEqual(told, [
    { ...connection, sentOctets: 15, receivedOctets: 2, answers: 2, servedMs: 4 },
    { ...connection, sentOctets: 1, receivedOctets: 1, answers: 1, servedMs: 2 },
  ]);
});
