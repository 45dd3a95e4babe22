import { cellsOf } from './cells.ts';
import type { CaseResult } from './results.ts';
import type { Target } from './target.ts';

/** Seconds. */
const FIRST_OCTET = 1;
/** How much more memory a larger store may take. */
const FLATNESS = 1.5;

/**
 * Figures that must not grow with the store: of one connection, since larger work also gets more of them, and another thread.
 *
 * @param results by case id
 */
export function sizeTargets(results: ReadonlyMap<string, CaseResult>): Target[] {
  return [
    firstOctet(results.get('n-100000')),
    flat(results, 'ours1', '100,000 messages in one mailbox', 'm-100000', '10,000', 'm-10000'),
    flat(results, 'ours1', '1,000,000 messages in one mailbox', 'm-1000000', '100,000', 'm-100000'),
    flat(results, 'ours1', '100,000 mailboxes', 'n-100000', '4,000', 'n-4000'),
    flat(results, 'ours1', '1,000,000 mailboxes', 'n-1000000', '4,000', 'n-4000'),
  ];
}

function firstOctet(result: CaseResult | undefined): Target {
  const seconds = cellOf(result, 'ours')?.firstOctet;
  return {
    text: 'first octet of -A, 100,000 mailboxes',
    least: `within ${FIRST_OCTET} s`,
    found: seconds === undefined ? 'not run' : `${seconds.toFixed(2)} s`,
    met: seconds === undefined ? undefined : seconds <= FIRST_OCTET,
  };
}

function flat(
  results: ReadonlyMap<string, CaseResult>,
  contender: string,
  largeName: string,
  large: string,
  smallName: string,
  small: string,
): Target {
  const [a, b] = [small, large].map((id) => cellOf(results.get(id), contender)?.peakRss);
  const ratio = a === undefined || b === undefined ? undefined : b / a;
  const mb = (octets = 0) => `${(octets / 1e6).toFixed(0)} MB`;
  return {
    text: `peak memory of ${largeName}, compared with ${smallName}, one connection`,
    least: `within ${FLATNESS}x`,
    found: ratio === undefined ? 'not run' : `${ratio.toFixed(2)}x (${mb(a)}, ${mb(b)})`,
    met: ratio === undefined ? undefined : ratio <= FLATNESS,
  };
}

/** On loopback. */
function cellOf(result: CaseResult | undefined, contender: string) {
  return result && cellsOf(result).find((each) => each.contender === contender && each.roundTrip === 0);
}
