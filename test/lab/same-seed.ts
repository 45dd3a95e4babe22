import fc from 'fast-check';

/**
 * Every property test draws the same inputs in every run of the suite, so that a change is judged by what it changes and not
 * by luck. The suite loads this before each test file; a file that is run by itself, and `npm run fuzz`, draw fresh ones.
 * `SEED=n` asks for others.
 */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.SEED ?? 1) });
