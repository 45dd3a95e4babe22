import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandGate } from '../../lab/command-gate.ts';

/** One link through the gate, and what has arrived behind it. */
function link(gate: CommandGate) {
  const arrived: string[] = [];
  const relay = gate.toServer();
  const passage = {
    pass: (octets: Buffer | string) => void arrived.push(String(octets)),
    cut: () => {},
    cutThis: () => {},
  };
  return { arrived, send: (text: string) => relay(Buffer.from(text), passage) };
}

test('what a killed client sent behind the command that was held never arrives, also when the next one is awaited', () => {
  const gate = new CommandGate(['APPLY']);
  const killed = link(gate);
  const beside = link(gate);
  let shut = 0;
  gate.shutAt(2, () => shut++);
  killed.send('APPLY A\n');
  killed.send('APPLY B\nAPPLY C\n');
  assert.equal(shut, 1);
  gate.shutAt(2, () => shut++);
  killed.send('APPLY D\n');
  beside.send('APPLY E\n');
  assert.deepEqual([killed.arrived, beside.arrived], [['APPLY A\n'], []]);
  const next = link(gate);
  next.send('APPLY F\n');
  assert.deepEqual([next.arrived, gate.commands], [['APPLY F\n'], ['APPLY F']]);
  next.send('APPLY G\n');
  assert.equal(shut, 2);
});

test('when it opens, what was held arrives in order, and what comes behind it', () => {
  const gate = new CommandGate(['APPLY']);
  const client = link(gate);
  gate.shutAt(1);
  client.send('APPLY A\nGET B\n');
  assert.ok(gate.isShut);
  gate.open();
  client.send('APPLY C\n');
  assert.deepEqual(client.arrived, ['APPLY A\n', 'GET B\n', 'APPLY C\n']);
  assert.ok(!gate.isShut);
});
