import fc from 'fast-check';

/** One failure is enough to notice a change: it is not shrunk, and the inputs are those of the suite. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.SEED ?? 1), endOnFailure: true });
