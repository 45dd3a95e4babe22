import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { BlockCoverage } from '../../lab/block-coverage.ts';
import { accepts, type FuzzTarget } from '../../lab/fuzz-target.ts';
import { guidedSearch } from '../../lab/guided-search.ts';
import { inputsOf } from '../../lab/inputs-of.ts';
import { plantedParser } from './planted-parser.ts';

/** Chance would need 2^24, the guided search some thousands. */
const INPUTS = 30_000;

const TARGET: FuzzTarget = { seeds: [Buffer.alloc(4)], read: plantedParser };

test('a fault behind several conditions is found with coverage as the guide, and not without', () => {
  using coverage = new BlockCoverage((url) => url.endsWith('/planted-parser.js'));
  const search = { coverage, seed: 1, goesOn: (inputs: number) => inputs < INPUTS };
  assert.throws(() => guidedSearch(TARGET, search), /the planted fault[\s\S]*with the input kV7X/);
  for (const octets of fc.sample(inputsOf(TARGET), { numRuns: INPUTS, seed: 1 })) accepts(TARGET, octets);
});

test('an input with which a parser comes to no end is told', () => {
  const endless = (octets: Buffer): void => {
    while (octets[1] === 0x41);
  };
  using coverage = new BlockCoverage((url) => url.endsWith('/planted-parser.js'));
  const search = { coverage, seed: 1, goesOn: () => true, patienceMs: 2_000 };
  const target = { seeds: [Buffer.from('BA'), Buffer.alloc(4)], read: endless };
  assert.throws(() => guidedSearch(target, search), /timed out[\s\S]*with the input QkE=/);
});
