/** Text of a source, with the text that takes its place. */
export interface Patch {
  file: string;
  changes: readonly [find: string, replace: string][];
}

/** One way to break a promise of the design. */
export interface Mutant extends Patch {
  name: string;
  /** Other sources that it takes. */
  also?: readonly Patch[];
}

/** The check that would notice it at once is out of the way: then the locks themselves have to tell. */
const PROMISES_UNDER_LOCKS: Patch = {
  file: 'src/native/lock-scope.ts',
  changes: [
    ['if (isPromise(result)) {', 'if (false) {'],
    ['if (depth === 0) return;\n  throw', 'return;\n  throw'],
  ],
};

/** Each breaks one promise, and the simulation has to notice: `npm run sim -- --mutants`. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "a merge keeps the locks of its mailbox while it waits for the master's own server",
    file: 'src/replicate/merge/resolve-diverged.ts',
    changes: [
      [
        '(mailbox) => {\n    checkSame(mailbox, task.entry);',
        'async (mailbox) => {\n    const writer = await context.master?.connect();\n    await writer?.session.applyMailbox(task.entry, []);\n    checkSame(mailbox, task.entry);',
      ],
    ],
    also: [PROMISES_UNDER_LOCKS],
  },
  {
    name: 'a lock is kept across an answer of the replica',
    file: 'src/replicate/folders/start-mailbox.ts',
    changes: [
      [
        'context.store.readMailbox(task.entry.name, (mailbox) => {',
        'context.store.readMailbox(task.entry.name, async (mailbox) => {\n    await context.session.noop();',
      ],
    ],
    also: [PROMISES_UNDER_LOCKS],
  },
  {
    name: 'what is pending is not named in log-run when the next log is taken',
    file: 'src/rolling/daemon/rolling-daemon.ts',
    changes: [['() => this.#unfinished(),', '() => [],']],
  },
  {
    name: 'lines that could not be handed back to the log are forgotten',
    file: 'src/rolling/daemon/unit-results.ts',
    changes: [
      [
        "emit({ kind: 'rolling:not-deferred', error: SyncError.from(caught, { phase: 'log' }).toData() });\n      return false;",
        'void caught;\n      return true;',
      ],
    ],
  },
  {
    name: 'a step tells of conversations what the replica had before the first',
    file: 'src/replicate/compare/mailbox-line.ts',
    changes: [
      [
        'xconvmodseq: 0,\n    raclmodseq: remote',
        'xconvmodseq: remote?.xconvmodseq ?? 0,\n    raclmodseq: remote',
      ],
    ],
  },
  {
    name: 'a step of a large mailbox overtakes the one before on another connection, and does not say what it builds on',
    file: 'src/replicate/folders/start-mailbox.ts',
    changes: [
      [
        'const refusal = await sent?.refusal;',
        'const refusal = sent?.isLast ? await sent.refusal : undefined;',
      ],
      ['.applyMailbox(line, delta.records)', '.applyMailbox({ ...line, since: undefined }, delta.records)'],
    ],
  },
  {
    name: 'a uniqueid that two mailboxes have proves that they are one',
    file: 'src/replicate/folders/sync-folders.ts',
    changes: [
      [
        'const twins = findTwins(context.store, present, (uniqueid) => namesThere.get(uniqueid));',
        'const twins = new Map<MailboxEntry, ByteString>();',
      ],
    ],
  },
  {
    name: 'a failure is tried again for ever',
    file: 'src/coordinator/run/retry-policy.ts',
    changes: [
      [
        'return entry.attempts >= most ? undefined : this.#backoff(entry.attempts);',
        'return this.#backoff(1);',
      ],
    ],
  },
  {
    name: 'UNUSER is sent while mailboxes that live on are under the name',
    file: 'src/replicate/jobs/remove-user.ts',
    changes: [['const [moved] = await livingUnder(context, userid);', 'const [moved]: MailboxEntry[] = [];']],
    also: [
      {
        file: 'src/replicate/jobs/run-actions.ts',
        changes: [
          ['const living = await livingUnder(context, userid);', 'const living: { userid: string }[] = [];'],
        ],
      },
    ],
  },
  {
    name: 'that both sides agree after a merge is taken for granted',
    file: 'src/replicate/merge/confirm-agreement.ts',
    changes: [
      [
        'const first = await whatDiffers(context, task, leftOut);',
        'const first = undefined as Difference | undefined;',
      ],
    ],
  },
  {
    name: 'a damaged message of the replica is copied back',
    file: 'src/replicate/merge/apply-merge.ts',
    changes: [['if (hash === guid && content.length === size) return content;', 'return content;']],
  },
  {
    name: 'a folder is sent although its INBOX has failed',
    file: 'src/replicate/folders/newcomers.ts',
    changes: [
      [
        'return this.above?.failed ? (this.above.missing ?? this.above.name) : undefined;',
        'return undefined;',
      ],
    ],
  },
  {
    name: 'the MODSEQ of an expunged message is that of the step that it is sent in',
    file: 'src/replicate/compare/read-delta.ts',
    changes: [['if (record.modseq > lastModseq && !page.expunged(i))', 'if (record.modseq > lastModseq)']],
  },
  {
    name: 'RESTART while somebody relies on the stage',
    file: 'src/replicate/connection/stage.ts',
    changes: [
      ['const RESTART_AFTER_MESSAGES = 32_768;', 'const RESTART_AFTER_MESSAGES = 3;'],
      ['while (this.#restartDue && this.#holders > 0) {', 'while (false) {'],
    ],
  },
  {
    name: 'a claim of the stage is not given back',
    file: 'src/replicate/connection/stage.ts',
    changes: [
      ['const RESTART_AFTER_MESSAGES = 32_768;', 'const RESTART_AFTER_MESSAGES = 3;'],
      ['if (--this.#holders > 0) return;', 'return;'],
    ],
  },
  {
    name: 'personal data is sent although the INBOX is not there',
    file: 'src/replicate/jobs/run-user.ts',
    changes: [
      [
        'const there = inPlace ? replica : await askAgain(context, userid, replica, folders.finished);',
        'const there = inPlace ? replica : replica;',
      ],
    ],
  },
  {
    name: 'a folder is removed from the replica without the record of its deletion',
    file: 'src/replicate/folders/plan-folders.ts',
    changes: [
      [
        "} else if (question.replace || wasDeleted || fate === 'tombstone') remove(mailbox);",
        '} else if (mailbox) remove(mailbox);',
      ],
    ],
  },
  {
    name: 'a mailbox that is live under another name is removed from the replica',
    file: 'src/replicate/folders/plan-folders.ts',
    changes: [
      ["if (fate === 'live') continue;", ''],
      ["if (!question.whole && fate !== 'unopenable') {", 'if (!question) {'],
    ],
  },
  {
    name: 'a mailbox that was replaced while it was read is sent as the one that was listed',
    file: 'src/replicate/compare/check-same.ts',
    changes: [
      [
        'if (mailbox.entry.uniqueid === listed.uniqueid && mailbox.entry.partition === listed.partition) return;',
        'return;',
      ],
    ],
  },
  {
    name: 'UIDVALIDITY goes down in a merge',
    file: 'src/replicate/merge/apply-merge.ts',
    changes: [
      ['uidvalidity: Math.max(state.uidvalidity, remote.uidvalidity),', 'uidvalidity: state.uidvalidity,'],
    ],
    also: [
      {
        file: 'src/replicate/merge/resolve-diverged.ts',
        changes: [['remote.uidvalidity > state.uidvalidity', 'false']],
      },
    ],
  },
  {
    name: 'a merge that was cut short doubles a message when it is done again',
    file: 'src/replicate/merge/merge-records.ts',
    changes: [
      ['if (this.#replicaTail.take(ours) || this.#ofReplica.take(ours)) return;', ''],
      ['if (this.#masterTail.take(theirs) || this.#ofMaster.take(theirs)) return;', ''],
    ],
  },
  {
    name: 'of two messages with one UID the one of the replica is lost',
    file: 'src/replicate/merge/merge-records.ts',
    changes: [['this.#merge.masterNeeds.push(source(theirs));\n    this.#append(theirs);', '']],
  },
  {
    name: 'a message that only the replica has is expunged there',
    file: 'src/replicate/merge/merge-records.ts',
    changes: [
      ['if (theirs.uid > this.#master.lastUid) {', 'if (false) {'],
      ['} else if (this.#isCleanedUp(theirs)) {', '} else if (true) {'],
    ],
  },
  {
    name: 'what the replica refuses counts as sent',
    file: 'src/replicate/folders/start-mailbox.ts',
    changes: [['throw await context.partitions.explain(refusal, line.partition, line.name);', 'return;']],
  },
  {
    name: 'a message below what the replica has seen is never missed',
    file: 'src/replicate/compare/compare-mailbox.ts',
    changes: [
      ['if (remote.lastUid > state.lastUid) {', 'if (false) {'],
      ['if (remote.highestmodseq > state.highestmodseq) {', 'if (false) {'],
    ],
  },
  {
    name: 'checksums that differ at one MODSEQ are not looked at',
    file: 'src/replicate/compare/compare-mailbox.ts',
    changes: [
      ['    !sameChecksums(state, remote)\n  ) {', '    false\n  ) {'],
      ['    sameChecksums(state, remote)\n  );', '    true\n  );'],
    ],
  },
  {
    name: 'what was cleaned away here stays on the replica for ever',
    file: 'src/replicate/compare/compare-mailbox.ts',
    changes: [['deletedmodseq > heardUpTo) {', 'deletedmodseq < 0) {']],
  },
  {
    name: 'the quota of a former user of the name stays',
    file: 'src/replicate/user-data/plan-quotas.ts',
    changes: [['if (theirs) plan.remove.push(root);', '']],
  },
  {
    name: 'a rename that the replica refused counts as done',
    file: 'src/replicate/folders/sync-folders.ts',
    changes: [
      [
        "throw step.kind === 'rename' ? await context.partitions.explain(error, step.partition, mailbox) : error;",
        'void error;',
      ],
    ],
  },
  {
    name: 'a renamed mailbox is not looked for where the replica still has it',
    file: 'src/replicate/folders/sync-folders.ts',
    changes: [
      ['const elsewhere = await findElsewhere(context, job);', 'const elsewhere: ReplicaMailbox[] = [];'],
    ],
  },
  {
    name: 'a failure of the replica is never tried again within the run',
    file: 'src/coordinator/run/schedule.ts',
    changes: [
      [
        "return { kind: 'retry', job, delayMs, error };",
        "return { kind: 'retry', job, delayMs: Number.NaN, error };",
      ],
      ['this.#delayed.add(entry, now + delayMs);', ''],
    ],
  },
  {
    name: 'messages are announced before the replica has confirmed them',
    file: 'src/replicate/connection/upload.ts',
    changes: [
      [
        'await allSettledOrThrow(confirmations);\n  if (failed !== undefined) throw failed;',
        'for (const each of confirmations) each.catch(() => undefined);',
      ],
    ],
  },
  {
    name: 'a message that another mailbox has begun to send is not waited for, and fails unseen',
    file: 'src/replicate/connection/upload.ts',
    changes: [['if (begun) confirmations.push(begun);', 'begun?.catch(() => undefined);']],
  },
  {
    name: 'what was staged on one of two connections counts as staged on the other',
    file: 'src/replicate/connection/lanes.ts',
    changes: [
      ['{ ...this.#context, session, stage, partitions }', '{ ...this.#context, session, partitions }'],
    ],
  },
  {
    name: 'a step is sent over another connection than its messages',
    file: 'src/replicate/folders/start-mailbox.ts',
    changes: [['sent = sendStep(lane, task, step, claim);', 'sent = sendStep(context, task, step, claim);']],
  },
  {
    name: 'a mailbox is sent before its messages are staged',
    file: 'src/replicate/folders/start-mailbox.ts',
    changes: [
      [
        'const { octets, damaged } = await uploadOnce(context, claim, task, messages, delta.uploads, endsIt);',
        'const { octets, damaged } = { octets: 0, damaged: [] as LeftOut[] };\n  uploadOnce(context, claim, task, messages, delta.uploads, endsIt).catch(() => undefined);',
      ],
    ],
  },
  {
    name: 'what another connection was sending counts as staged on this one',
    file: 'src/replicate/connection/upload-once.ts',
    changes: [
      [
        'const rest = await upload(context, claim, messages, partition, others, checkNeeds, areThen);',
        'const rest = await upload(context, claim, messages, partition, [], checkNeeds, areThen);',
      ],
    ],
  },
  {
    name: 'nobody holds what a step ahead has staged',
    file: 'src/replicate/folders/step-ahead.ts',
    changes: [
      [
        'if (!place) this[Symbol.dispose]();\n    return place;',
        'if (!place) this[Symbol.dispose]();\n    place?.claim[Symbol.dispose]();\n    return place;',
      ],
    ],
  },
  {
    name: 'the claim of a step ahead that nobody wants is kept',
    file: 'src/replicate/folders/step-ahead.ts',
    changes: [
      ['this.#isWanted = false;\n    this.#place?.claim[Symbol.dispose]();', 'this.#isWanted = false;'],
    ],
  },
  {
    name: 'a folder is sent over another connection before the one above it is there',
    file: 'src/replicate/folders/start-all.ts',
    changes: [['ready: turn.ready.then(() => newcomer?.aboveElsewhere)', 'ready: turn.ready']],
  },
  {
    name: 'seen state that was sent is not compared again',
    file: 'src/replicate/user-data/plan-seen.ts',
    changes: [['other.seenuids !== entry.seenuids', 'false']],
  },
];
