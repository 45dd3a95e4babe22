import type { PartOf } from '../../report/part-of.ts';
import type { MetricFacts } from '../metrics/metric-facts.ts';
import type { RunState } from '../state/run-state.ts';
import type { RunView, UserView } from '../state/run-view.ts';
import type { Sample } from './history.ts';

/** Users shown of each sort; the counts say how many there are. */
const MOST_SHOWN = 50;

/** Everything that the page shows of one channel. */
export interface ChannelData {
  channel: string | null;
  view: RunView;
  users: Record<'slow' | 'waitingForLock' | 'waitingToRetry' | 'failed', UserView[]>;
  verification: { verdicts: MetricFacts['verdicts']; differences: number; oldestSeconds: number | null };
  settings: Readonly<Record<string, string>>;
  /** null: the run is no part of a fleet. */
  part: PartOf | null;
  history: readonly Sample[];
  /** It takes orders. */
  steers: boolean;
}

export function channelData(
  state: RunState,
  facts: MetricFacts,
  now: number,
  rest: Pick<ChannelData, 'settings' | 'history' | 'steers' | 'part'>,
): ChannelData {
  const view = state.view(now);
  const oldestMs = facts.oldestComparisonMs(now);
  return {
    channel: view.channel,
    view,
    users: {
      slow: state.slow(MOST_SHOWN, now),
      waitingForLock: state.users('waiting-for-lock', MOST_SHOWN, now),
      waitingToRetry: state.users('waiting-to-retry', MOST_SHOWN, now),
      failed: state.users('failed', MOST_SHOWN, now),
    },
    verification: {
      verdicts: facts.verdicts,
      differences: [...facts.differences.values()].reduce((sum, count) => sum + count, 0),
      oldestSeconds: oldestMs === undefined ? null : oldestMs / 1_000,
    },
    ...rest,
  };
}
