import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { EventListener } from '../../report/events.ts';

/** Between two that are told while work goes on: more often nobody would look. */
const LEAST_MS = 1_000;

/** Tells what went over a connection, as what came on top since it was told before. */
export class TrafficTeller {
  readonly #connection: string;
  readonly #session: Pick<ReplicaSession, 'traffic' | 'servedMs'>;
  readonly #emit: EventListener;
  #told = { sentOctets: 0, receivedOctets: 0, answers: 0, servedMs: 0 };
  #nextMs = 0;

  constructor(
    connection: string,
    session: Pick<ReplicaSession, 'traffic' | 'servedMs'>,
    emit: EventListener,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#emit = emit;
  }

  /** @param nowMs of a clock that never goes back */
  tellNowAndThen(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + LEAST_MS;
    this.tell();
  }

  tell(): void {
    const { traffic, servedMs } = this.#session;
    const { sentOctets, receivedOctets, answers } = traffic;
    const before = this.#told;
    if (sentOctets === before.sentOctets && receivedOctets === before.receivedOctets) return;
    this.#told = { sentOctets, receivedOctets, answers, servedMs };
    this.#emit({
      kind: 'connection:traffic',
      connection: this.#connection,
      sentOctets: sentOctets - before.sentOctets,
      receivedOctets: receivedOctets - before.receivedOctets,
      answers: answers - before.answers,
      servedMs: servedMs - before.servedMs,
    });
  }
}
