import type { EventListener, SyncEvent } from '../../report/events.ts';
import { EVENT_DELAY_MS, EVENTS_PER_POST } from '../limits.ts';

/**
 * Gathers a thread's events, so that a message crosses to the coordinator for many of them. Progress of one user in
 * a row becomes one event.
 */
export class EventBatcher {
  readonly #post: (events: SyncEvent[]) => void;
  #events: SyncEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(post: (events: SyncEvent[]) => void) {
    this.#post = post;
  }

  readonly emit: EventListener = (event) => {
    const last = this.#events.at(-1);
    if (event.kind === 'user:progress' && last?.kind === 'user:progress' && last.user === event.user) {
      const { messages, octets } = last;
      this.#events[this.#events.length - 1] = {
        ...event,
        messages: messages + event.messages,
        octets: octets + event.octets,
      };
    } else {
      this.#events.push(event);
    }
    if (this.#events.length >= EVENTS_PER_POST) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), EVENT_DELAY_MS);
  };

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#post(events);
  }
}
