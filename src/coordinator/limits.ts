/**
 * The door of `coordinator`. Here work is handed out: `run` finds jobs and decides who is next on how many connections,
 * `pool` does them, in this thread or in others. Both modes share what lies beside the two: the clock, the way down after a
 * signal, pauses that double, and the limits below. It may use the engine by its door, store, protocol and native, and knows
 * nothing of command lines and configuration files. Whatever goes wrong on the way is in the result; nothing is thrown.
 */

/**
 * Sizes and times of the coordinator. Sizes are messages on disk as the store estimates them; times say
 * their unit.
 */

/** From here on a user is a batch of its own and starts first: about a minute of uploading on a local network. */
export const GIANT_MESSAGES = 20_000;
/** From here on a user can keep two connections at work, on which the steps of a mailbox take turns. */
export const TWO_CONNECTIONS_MESSAGES = 1_024;
/**
 * One batch in this many is kept for small users while giants wait too, so that a few of these never hold up a site, and one in this
 * many for the smallest of the small ones.
 */
export const SLOTS_PER_SMALL_SHARE = 4;
/** A batch keeps a connection's pipeline full between two answers to the coordinator: no more jobs than this ... */
export const BATCH_JOBS = 64;
/** ... and no more than the replica is at work on for so long, or others could have taken them meanwhile ... */
export const BATCH_MS = 150;
/** ... but rather so much than less, or the way to the replica and back is waited for between batches. */
export const LEAST_BATCH_MS = 30;
/** Before it is known what a job costs: enough to fill a pipeline, should there be nothing to do. */
export const FIRST_BATCH_JOBS = 16;
/** Mailboxes and messages from which on a job has much to send: some tenths of a second where flushes are waited for. */
export const LEAST_LADEN_COMMANDS = 8;
/** No more of them are counted: so many keep a connection at work, whatever one takes. */
export const MOST_COUNTED_COMMANDS = 1_024;
/** Answers that a job with much to send waits for one after the other, at least: those of others can be worked on meanwhile. */
export const ROUND_TRIPS_OF_JOB = 4;
/** Messages of a run from which on more connections pay whatever the link is: nobody asks then whether one would do. */
export const SPREAD_MESSAGES = 4_000;
/** Milliseconds of a round trip from which on a link is far: the replica idles while a connection waits for the next answer. */
export const FAR_LINK_MS = 5;
/** How often a job with much to send asks whether its connection can take it. */
export const INTAKE_LOOK_MS = 5;
/** Milliseconds of the replica's work from which on a job keeps a connection at work alone, but for moments at its begin and end. */
export const LONG_JOB_MS = 1_000;
/** Batches under way on one connection: the next one fills the gaps that the last jobs of one before leave. */
export const BATCHES_PER_CONNECTION = 2;
/** Milliseconds from when the replica is there: from then on a run's load is measured, which takes a small run some of its time. */
export const MEASURE_AFTER_MS = 20;
/** How often a run asks itself whether it wants more connections ... */
export const GROW_AFTER_MS = 100;
/** ... for `auto` at most so many times as many as it has ... */
export const GROWTH = 4;
/** ... at first, with nothing known but that there is much to send, so many times, over a far link more ... */
export const FIRST_GROWTH = 2;
export const FIRST_GROWTH_IF_FAR = 6;
/** ... and no more than would keep this thread at work for this share of its time: the rest is the replica's and the link's ... */
export const SHARE_TO_FILL = 0.5;
/** ... or for this share where less than so much of a processor is idle: the rest may be work of this host ... */
export const SHARE_TO_FILL_OF_BUSY_HOST = 0.35;
export const IDLE_FOR_CONNECTIONS = 0.5;
/**
 * ... then in the mean of so many looks in a row: where others have the processors, a thread that does not work may just not be
 * let. A copy whose replica is on the same two processors, where this thread works half of the time, has three looks in a row at a
 * fifth of it now and then, and none of its means of eight was below 0.3.
 */
export const LOOKS_FOR_CONNECTIONS = 8;
/** ... and how long what is left must take for that to pay. */
export const WORTH_GROWING_MS = 500;
/** Milliseconds of the replica's work that another connection must take off the others, to be worth the process that it costs there. */
export const WORTH_CONNECTING_MS = 250;
/** Share of its time from which on a thread is what its connections wait for ... */
export const BUSY_THREAD = 0.8;
/** ... and of a processor that must be free for another thread. */
export const IDLE_FOR_THREAD = 0.5;
/** ... at so many looks in a row: in the first moments this thread is busy with beginning, and the replica with nothing yet. */
export const LOOKS_FOR_THREAD = 3;
/** Looks for which connections that are being made are waited for before more are asked for: those of a far link are up by then. */
export const LOOKS_TO_CONNECT = 4;
/** How often rolling mode asks itself whether its one thread is enough. */
export const THREADS_LOOK_MS = 1_000;
/** `auto`: so many connections at once, then by the rate: long enough for whole batches to end between two looks ... */
export const AUTO_FIRST = 32;
export const CLIMB_AFTER_MS = 1_000;
/** ... and so much work, or the rate is an accident. */
export const LEAST_WORK_TO_CLIMB = 200;
export const MOST_CONNECTIONS = 64;
/** Threads of a one-shot run, the main one among them: what more could do, neither a link nor a replica takes. */
export const MOST_THREADS = 8;
/** Octets of mail that count as much work as a message, a mailbox or a user. */
export const OCTETS_PER_WORK = 16 * 1024;
/** How long the number of connections that a replica refused to exceed is kept to. */
export const REFUSED_PAUSE_MS = 60_000;
/** Mailbox names of one shared-mailboxes job: one GET MAILBOXES answer that still fits in memory easily. */
export const SHARED_CHUNK = 1_000;
/** How long enumerating and sizing may hold the event loop before answers and events get their turn. */
export const DISCOVERY_SLICE_MS = 10;
/** Between two tries of a mailbox list that somebody else has locked, in which the thread goes on with other work. */
export const LOCKED_LIST_PAUSE_MS = 100;
/** How long they may before the first connection is made: a site that is known whole by then gets only as many as it needs. */
export const FIRST_DISCOVERY_SLICE_MS = 150;

/** A locked user is looked at again after about this even while other work waits. */
export const PARKED_WHILE_BUSY_MS = 30_000;
/** About so long is the first wait for a lock when nothing else is to be started, doubled up to the plan's `lockedRetrySeconds`. */
export const PARKED_FIRST_MS = 250;

/** Attempts of a job that fails for a reason that may pass. */
export const RETRYABLE_ATTEMPTS = 3;
/** Attempts where a database of Cyrus was locked, which nobody waits for on the spot: about a minute. */
export const LOCK_ATTEMPTS = 7;
export const RETRY_FIRST_MS = 1_000;
/** Part of its length by which a pause before another attempt is spread to either side. */
export const RETRY_JITTER = 0.5;
/** Attempts of a job that was in flight when the link broke, counted while it gets no message across ... */
export const FRUITLESS_LINK_ATTEMPTS = 3;
/** Breaks without progress at one and the same mailbox, from which on the job is tried without it. */
export const BREAKS_TO_SET_ASIDE = 2;
/** ... and in all: a job that makes the replica's server die after some progress must end too. */
export const LINK_ATTEMPTS = 10;
/** Links lost in a row, beyond one for each batch under way, without one job done: the replica is ill, not a user. */
export const LOST_LINKS_TO_PAUSE = 4;
/**
 * Seconds to wait between the users that are tried, one at a time, once the replica is ill: time for somebody who restarts
 * its services. When the last of them is lost too, the run ends: a full disk does not go away by itself.
 */
export const ILL_PAUSES_SECONDS = [5, 15] as const;
/** Worker threads dying in a row, beyond one per batch under way, without one job done: the run cannot work. */
export const DEAD_THREADS_TO_ABORT = 8;

/** The C client's reconnect series: 15, 30, 60 ... seconds (algorithm 1). */
export const RECONNECT_FIRST_SECONDS = 15;

/** After TERM: how long jobs in flight may go on before their connections are cut. Cutting is safe, only wasteful. */
export const DRAIN_GRACE_MS = 5_000;
/** After the cut: how long jobs may take to notice, on a host that is busy with others too. */
export const CUT_GRACE_MS = 5_000;
/** How long EXIT and its answer may take at the end of a run. */
export const EXIT_GRACE_MS = 5_000;

/** Events gathered for one post to the coordinator, and how long they may wait for it. */
export const EVENTS_PER_POST = 256;
export const EVENT_DELAY_MS = 20;

/** Milliseconds that the master's private sync_server gets to leave after TERM. */
export const PRIVATE_SERVER_STOP_MS = 5_000;
/** How long after the end of its connection the server's own end, and what it said, are waited for. */
export const PRIVATE_SERVER_END_MS = 5_000;

/** Milliseconds between two looks at whether an idle connection was closed by the replica. */
export const IDLE_WATCH_MS = 1_000;

/** Waits without descriptors, doubled while nothing is done. They come back as soon as something ends. */
export const OUT_OF_FILES_SECONDS = { first: 1, longest: 60 } as const;

/** Sessions that a thread has with the master's server where it reads from that: one that tells of a large mailbox is busy for long. */
export const MASTER_SESSIONS = 4;
