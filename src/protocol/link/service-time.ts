/** Times the quickest that an answer may take on its way: no link has the same delay always. */
const JITTER = 1.125;

/**
 * How long the replica was at work on the commands of one connection, as far as answers tell: it takes one after the other,
 * so that from one answer to the next it was at the next. What an answer needs on its way is not its work: as long as the
 * quickest of all took, from a command that found nothing before it, is the link's.
 */
export class ServiceTime {
  #quickest = Number.POSITIVE_INFINITY;
  #lastAnswer = 0;
  #total = 0;

  /** Milliseconds of one clock. @returns how long the replica was at work on this command */
  answered(submittedAt: number, now: number): number {
    this.#quickest = Math.min(this.#quickest, now - submittedAt);
    const served = this.soFar(submittedAt, now);
    this.#total += served;
    this.#lastAnswer = now;
    return served;
  }

  /** @returns how long the replica has been at work on the oldest command that is not answered, at least */
  soFar(submittedAt: number, now: number): number {
    return Math.max(0, now - Math.max(this.#lastAnswer, submittedAt + this.#quickest * JITTER));
  }

  /** Milliseconds of the link's own way to the replica and back, as far as is known. */
  get wayMs(): number {
    return this.#quickest;
  }

  /** Milliseconds. */
  get total(): number {
    return this.#total;
  }
}
