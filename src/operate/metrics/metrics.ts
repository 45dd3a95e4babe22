/**
 * The door of `operate/metrics`. Here is what Prometheus and its like are told: how each channel of this process stands, by
 * names that are promised in docs/metrics.md. It may know `state` and the catalogue of events. It reads what is known already
 * whenever somebody asks, so that nobody who does not ask pays for it, and holds sums alone, never a user's name.
 */

import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from 'prom-client';
import type { EventListener } from '../../report/events.ts';
import type { PartOf } from '../../report/part-of.ts';
import { LAG_BOUNDS_SECONDS } from '../state/lag.ts';
import type { RunView } from '../state/run-view.ts';
import { FAMILIES, type Family } from './families.ts';
import { MetricFacts } from './metric-facts.ts';

export const PREFIX = 'cyrus_sync_';
/** Labels that the runs of a fleet have beside the others. */
const PART_LABELS: readonly (keyof PartOf)[] = ['fleet', 'wave', 'slice'];
/** Name of the one histogram. */
export const LAG = 'lag_seconds';

/** One channel, whose events are heard. */
interface Source {
  labels: Readonly<Record<string, string>>;
  view(): RunView;
  facts: MetricFacts;
}

export class Metrics {
  readonly contentType: string;
  readonly #registry = new Registry<OpenMetricsContentType>();
  readonly #families: (readonly [Family, Gauge | Counter])[];
  readonly #lag: Histogram;
  #sources: Source[] = [];
  readonly #version: string;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(version: string, now: () => number) {
    this.#version = version;
    this.#now = now;
    this.#registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    this.contentType = this.#registry.contentType;
    const registers = [this.#registry];
    this.#families = FAMILIES.map((family) => {
      const { name, help, labels } = family;
      const labelNames = ['channel', ...PART_LABELS, ...labels];
      const options = { name: PREFIX + name, help, labelNames, registers };
      return [family, family.type === 'counter' ? new Counter(options) : new Gauge(options)] as const;
    });
    this.#lag = new Histogram({
      name: PREFIX + LAG,
      help: 'Time from a line of the sync log to the replica having what it says',
      labelNames: ['channel'],
      buckets: [...LAG_BOUNDS_SECONDS],
      registers,
    });
  }

  /** @returns what is to hear the events of this channel, and the sums that it makes of them */
  add(
    channel: string | undefined,
    view: () => RunView,
    part?: PartOf,
  ): { hear: EventListener; facts: MetricFacts } {
    // An empty label is as good as none, by which the default channel could not be told from a sum.
    const name = channel ?? 'default';
    const facts = new MetricFacts();
    this.#sources.push({ labels: { channel: name, ...part }, view, facts });
    const hear: EventListener = (event) => {
      facts.hear(event, this.#now());
      if (event.kind === 'rolling:replicated') {
        this.#lag.observe({ channel: name }, Math.max(0, event.lagMs) / 1_000);
      }
    };
    return { hear, facts };
  }

  /** Nothing is told any more of whom these sums are. */
  remove(facts: MetricFacts): void {
    this.#sources = this.#sources.filter((source) => source.facts !== facts);
  }

  /** In the OpenMetrics format. */
  async text(): Promise<string> {
    for (const [, metric] of this.#families) metric.reset();
    for (const { labels: own, view, facts } of this.#sources) {
      const snapshot = { view: view(), facts, nowMs: this.#now(), version: this.#version };
      for (const [family, metric] of this.#families) {
        for (const [labels, value] of family.read(snapshot)) metric.inc({ ...own, ...labels }, value);
      }
    }
    return await this.#registry.metrics();
  }
}
