import type { SyncEvent, Verdict } from '../../report/events.ts';
import type { SettledStatus } from '../../report/grade.ts';

/** Sums that nobody but metrics tells of. */
export class MetricFacts {
  readonly settled: Record<SettledStatus, number> = {
    replicated: 0,
    absent: 0,
    locked: 0,
    failed: 0,
    'not-reached': 0,
  };
  readonly verdicts: Record<Verdict, number> = { proven: 0, different: 0, changing: 0, repaired: 0 };
  readonly differences = new Map<string, number>();
  sentOctets = 0;
  receivedOctets = 0;
  answers = 0;
  servedMs = 0;
  /** When the latest pass over everybody began; undefined before one has come to its end. */
  #comparedSinceMs: number | undefined;

  /** @param nowMs of a clock that never goes back */
  hear(event: SyncEvent, nowMs: number): void {
    switch (event.kind) {
      case 'user:settled':
        this.settled[event.status] += 1;
        break;
      case 'connection:traffic':
        this.sentOctets += event.sentOctets;
        this.receivedOctets += event.receivedOctets;
        this.answers += event.answers;
        this.servedMs += event.servedMs;
        break;
      case 'verify:verdict':
        this.verdicts[event.verdict] += 1;
        break;
      case 'verify:difference': {
        const { kind } = event.difference;
        this.differences.set(kind, (this.differences.get(kind) ?? 0) + 1);
        break;
      }
      case 'rolling:full-pass':
        if (event.error === undefined) this.#comparedSinceMs = nowMs - event.elapsedMs;
        break;
      default:
        break;
    }
  }

  /** Age of the oldest comparison of anybody, at most; undefined: not everybody has been compared yet. */
  oldestComparisonMs(nowMs: number): number | undefined {
    return this.#comparedSinceMs === undefined ? undefined : nowMs - this.#comparedSinceMs;
  }
}
