import type { ByteString } from '../../byte-string.ts';
import type { Backlog, SyncEvent } from '../../report/events.ts';
import { spellNames } from '../../report/name-in-text.ts';
import { printableBytes } from '../../report/printable.ts';
import type { SpellMailbox } from '../../report/spell-mailbox.ts';
import { LagHistogram } from './lag.ts';
import type { RollingView } from './run-view.ts';

type Quarantined = Pick<Backlog['quarantined'][number], 'user' | 'failures' | 'error'>;

/** The facts told of one channel in rolling mode. */
export class Backlogs {
  readonly #spell: SpellMailbox;
  #linesTaken = 0;
  #badLines = 0;
  #latest: { backlog: Backlog; at: number } | undefined;
  #lastSuccess: number | null = null;
  readonly #lag = new LagHistogram();
  readonly #quarantined = new Map<ByteString, Pick<Quarantined, 'failures' | 'error'>>();

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
        // The daemon knows; what was told one by one is only what has changed since.
        this.#quarantined.clear();
        for (const each of event.backlog.quarantined) this.#quarantine(each);
        return true;
      case 'rolling:quarantined':
        this.#quarantine(event);
        return true;
      case 'rolling:retry':
        if (this.#quarantined.has(event.user)) this.#quarantine(event);
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

  #quarantine({ user, failures, error }: Quarantined): void {
    this.#quarantined.set(user, { failures, error });
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
