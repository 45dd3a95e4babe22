import { printable } from './printable.ts';

/** Says what a run is a part of: a slice of a wave of a fleet. */
export interface PartOf {
  fleet: string;
  wave: string;
  slice: string;
}

/** Names a part in lines for people; everything that is said of it begins so. */
export function partLabel({ fleet, wave, slice }: PartOf): string {
  return printable(`${fleet}/${wave}/${slice}`);
}
