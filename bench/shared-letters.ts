import { makeMail, Numbers, ordinarySize } from './make-mail.ts';

/** Users who may hold the same letter; it is held by those of them who hold so many. */
const HOLDERS = 40;
/** Numbers of letters begin above those of all other messages. */
const FIRST_LETTER = 10_000_000;
/** Numbers of the letters of one group of holders. */
const LETTERS = 1_000_000;

/**
 * Messages that many users hold, each of them once, as letters to a whole house are: they make up a share of each user's
 * octets, and users of a group hold them in the same order, so that whoever has more mail holds more of them.
 */
export class SharedLetters {
  readonly #percent: number;
  readonly #groups: number;
  readonly #users: { letters: number; sharedOctets: number; octets: number }[];

  /** @param percent of the octets; 0: no letters */
  constructor(users: number, percent: number) {
    this.#percent = percent;
    this.#groups = Math.ceil(users / HOLDERS);
    this.#users = Array.from({ length: users }, () => ({ letters: 0, sharedOctets: 0, octets: 0 }));
  }

  /** @returns the next message of this user if it is to be a letter */
  nextOf(user: number): Buffer | undefined {
    const held = this.#users[user];
    if (held === undefined || held.sharedOctets * 100 >= held.octets * this.#percent) return undefined;
    const number = (user % this.#groups) * LETTERS + held.letters;
    const letter = makeMail(FIRST_LETTER + number, ordinarySize(new Numbers(number)));
    held.letters += 1;
    held.sharedOctets += letter.length;
    held.octets += letter.length;
    return letter;
  }

  /** Counts a message that this user alone holds. */
  noteOwn(user: number, octets: number): void {
    const held = this.#users[user];
    if (held) held.octets += octets;
  }
}
