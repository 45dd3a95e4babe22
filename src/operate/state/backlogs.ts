import type { ByteString } from '../../byte-string.ts';
import type { Backlog, SyncEvent } from '../../report/events.ts';
import { spellNames } from '../../report/name-in-text.ts';
import { printableBytes } from '../../report/printable.ts';
import type { SpellMailbox } from '../../report/spell-mailbox.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { LagHistogram } from './lag.ts';
import type { RollingView } from './run-view.ts';

/** The facts told of one channel in rolling mode. */
export class Backlogs {
  readonly #spell: SpellMailbox;
  #linesTaken = 0;
  #badLines = 0;
  #latest: { backlog: Backlog; at: number } | undefined;
  #lastSuccess: number | null = null;
  readonly #lag = new LagHistogram();
  readonly #quarantined = new Map<ByteString, { failures: number; error: ErrorData }>();

  constructor(spell: SpellMailbox) {
    this.#spell = spell;
  }

  /** @returns whether it was one of these */
  hear(event: SyncEvent, now: number): boolean {
    switch (event.kind) {
      case 'rolling:pass':
        this.#linesTaken += event.lines;
        this.#badLines += event.bad;
        return true;
      case 'rolling:backlog':
        this.#latest = { backlog: event.backlog, at: now };
        this.#lastSuccess = event.backlog.lastSuccess ?? this.#lastSuccess;
        return true;
      case 'rolling:quarantined':
        this.#quarantined.set(event.user, { failures: event.failures, error: event.error });
        return true;
      case 'rolling:released':
        this.#quarantined.delete(event.user);
        return true;
      case 'rolling:replicated':
        this.#lag.add(event.lagMs);
        return true;
      default:
        return event.kind.startsWith('rolling:');
    }
  }

  get waiting(): number {
    return this.#latest?.backlog.waiting ?? 0;
  }

  view(now: number): RollingView {
    const { backlog, at } = this.#latest ?? {};
    return {
      linesTaken: this.#linesTaken,
      badLines: this.#badLines,
      backlog:
        backlog && at !== undefined
          ? {
              lines: backlog.lines,
              oldestSeconds: backlog.oldestMs === undefined ? null : backlog.oldestMs / 1_000,
              inFlight: backlog.inFlight,
              waiting: backlog.waiting,
              locked: backlog.locked,
              link: backlog.link,
              agoMs: now - at,
            }
          : null,
      lastSuccess: this.#lastSuccess,
      lag: this.#lag.view(),
      quarantined: [...this.#quarantined].map(
        ([
          user,
          {
            failures,
            error: { code, message },
          },
        ]) => ({
          user: printableBytes(spellNames(user, this.#spell)),
          failures,
          code,
          message: printableBytes(spellNames(message, this.#spell)),
        }),
      ),
    };
  }
}
