import type { SyncEvent } from '../../report/events.ts';
import { spellNames } from '../../report/name-in-text.ts';
import { printable, printableBytes } from '../../report/printable.ts';
import { reasonOf } from '../../report/reasons.ts';
import type { SpellMailbox } from '../../report/spell-mailbox.ts';
import type { ErrorData } from '../../report/sync-error.ts';

/** When a program of the operator is called. */
export type HookName = 'on_failure' | 'on_quarantine' | 'on_lag' | 'on_done';

export interface HookCall {
  hook: HookName;
  /** For its environment; printable. */
  facts: Readonly<Record<string, string>>;
}

export interface HookAbout {
  run: string;
  channel: string | undefined;
  server: string;
  spellMailbox: SpellMailbox;
  /** A channel is behind when its oldest line is older than this. */
  lagLimitSeconds: number;
}

/** Says for each event which program it calls. To be behind is told once, until the channel has caught up. */
export class HookFacts {
  readonly #about: HookAbout;
  #isBehind = false;

  constructor(about: HookAbout) {
    this.#about = about;
  }

  callsFor(event: SyncEvent): HookCall[] {
    switch (event.kind) {
      case 'user:failed':
        return [
          this.#call('on_failure', {
            CYRUS_SYNC_USER: printableBytes(event.user),
            ...this.#error(event.error),
          }),
        ];
      case 'rolling:quarantined': {
        const facts = {
          CYRUS_SYNC_USER: printableBytes(spellNames(event.user, this.#about.spellMailbox)),
          CYRUS_SYNC_FAILURES: String(event.failures),
        };
        return [this.#call('on_quarantine', { ...facts, ...this.#error(event.error) })];
      }
      case 'rolling:backlog':
        return this.#lag(event.backlog.oldestMs ?? 0, {
          CYRUS_SYNC_LINES: String(event.backlog.lines),
          CYRUS_SYNC_LINK: event.backlog.link,
        });
      case 'run:end': {
        const { synced, absent, locked, failed, unreached, messagesUploaded, octetsUploaded } = event.summary;
        return [
          this.#call('on_done', {
            CYRUS_SYNC_DONE: String(synced),
            CYRUS_SYNC_ABSENT: String(absent),
            CYRUS_SYNC_LOCKED: String(locked),
            CYRUS_SYNC_FAILED: String(failed),
            CYRUS_SYNC_NOT_REACHED: String(unreached.length),
            CYRUS_SYNC_MESSAGES: String(messagesUploaded),
            CYRUS_SYNC_OCTETS: String(octetsUploaded),
            CYRUS_SYNC_SECONDS: (event.summary.elapsedMs / 1_000).toFixed(1),
          }),
        ];
      }
      default:
        return [];
    }
  }

  #lag(oldestMs: number, facts: HookCall['facts']): HookCall[] {
    const isBehind = oldestMs > this.#about.lagLimitSeconds * 1_000;
    const isNews = isBehind && !this.#isBehind;
    this.#isBehind = isBehind;
    if (!isNews) return [];
    return [
      this.#call('on_lag', { CYRUS_SYNC_OLDEST_SECONDS: String(Math.round(oldestMs / 1_000)), ...facts }),
    ];
  }

  #call(hook: HookName, facts: HookCall['facts']): HookCall {
    const { run, channel = '', server } = this.#about;
    return {
      hook,
      facts: {
        CYRUS_SYNC_RUN: run,
        CYRUS_SYNC_CHANNEL: printable(channel),
        CYRUS_SYNC_SERVER: printable(server),
        ...facts,
      },
    };
  }

  #error(error: ErrorData): Record<string, string> {
    const { spellMailbox } = this.#about;
    const { code, mailbox, hint } = error;
    return {
      CYRUS_SYNC_CODE: code,
      CYRUS_SYNC_MAILBOX: mailbox === undefined ? '' : printableBytes(spellMailbox(mailbox)),
      CYRUS_SYNC_MESSAGE: printableBytes(reasonOf(error, spellMailbox)),
      CYRUS_SYNC_HINT: hint === undefined ? '' : printableBytes(spellNames(hint, spellMailbox)),
    };
  }
}
