/**
 * The door of `operate`. Here is what watches and steers a run, or a channel in rolling mode, while it lasts: `state` knows how it
 * stands, the other folders show it or take orders. It may know the catalogue of events and the `Steering` of a run, never the run
 * itself. Nobody who watches slows it down, and none of it being broken or full stops a replication.
 */

import type { EventListener } from '../report/events.ts';
import { type RunAbout, RunState } from './state/run-state.ts';
import type { RunView } from './state/run-view.ts';

export interface Watch {
  readonly hear: EventListener;
  readonly state: RunState;
  /** At this moment. */
  view(): RunView;
}

/** @param now milliseconds of a clock that never goes back */
export function watch(about: RunAbout, now: () => number): Watch {
  const state = new RunState(about, now());
  return {
    state,
    hear: (event) => void state.hear(event, now()),
    view: () => state.view(now()),
  };
}
