import type { IndexRecord } from '../../store/master-store.ts';
import type { LeftOut } from '../compare/left-out.ts';

/** Which of some records cannot be sent, whatever file of the same message is tried. */
export class DamagedRecords {
  readonly #records: readonly IndexRecord[];
  readonly #byGuid = new Map<string, { same: IndexRecord[]; found: LeftOut[] }>();
  /** Files found to be damaged. */
  count = 0;

  constructor(records: readonly IndexRecord[]) {
    this.#records = records;
  }

  /** @returns what to try in its place, if there is anything */
  note(one: LeftOut): IndexRecord | undefined {
    this.count++;
    if (this.#byGuid.size === 0) this.#index();
    const { same, found } = this.#byGuid.get(one.record.guid) ?? { same: [], found: [] };
    found.push(one);
    return same[found.length];
  }

  get hopeless(): LeftOut[] {
    return [...this.#byGuid.values()].flatMap(({ same, found }) =>
      found.length === same.length ? found : [],
    );
  }

  #index(): void {
    for (const record of this.#records) {
      const known = this.#byGuid.get(record.guid);
      if (known) known.same.push(record);
      else this.#byGuid.set(record.guid, { same: [record], found: [] });
    }
  }
}
