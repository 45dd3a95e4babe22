/** Sizes and times of the protocol layer: each with its unit and its reason. */

/** Octets of one plain literal that we take into memory. Servers cap theirs at 128 KiB (protocol 7.2); old ones do not. */
export const MAX_LITERAL_OCTETS = 64 * 1024 * 1024;

/** Octets of one atom or quoted string. Cyrus writes none above 1023; its own cap for reading is 128 KiB. */
export const MAX_WORD_OCTETS = 128 * 1024;

/**
 * Octets of memory that the answer to one command may take, put together of all its lines: some 200,000 mailboxes of a
 * user, or four million subscriptions. Nothing that a server legitimately has comes near it, and without it one answer of many
 * lines, each within its bounds, would end this process.
 */
export const MAX_ANSWER_OCTETS = 384 * 1024 * 1024;

/** Octets of memory for all records of one mailbox, which a merge holds at once: some three million. */
export const MAX_RECORDS_ANSWER_OCTETS = 2 * 1024 * 1024 * 1024;

/** Octets that a value takes in memory beside its text: its head, and its place in a list or map. */
export const VALUE_OVERHEAD_OCTETS = 64;

/** Octets of a `{n}` or `%{partition guid size}` head: a partition name, a GUID and a number, with much room. */
export const MAX_LITERAL_HEAD_OCTETS = 4096;

/** Lists within lists. The deepest value in use is MAILBOX > RECORD > item > ANNOTATIONS > item: five. */
export const MAX_NESTING = 32;

/** Octets of one line of text: banner, capability list, final answer, SASL challenge. */
export const MAX_LINE_OCTETS = 64 * 1024;

/** Lines before the `* OK` that ends a banner. A real one has six; a server of another kind may never stop. */
export const MAX_BANNER_LINES = 100;

/** Octets of one message that `fetchMessage` takes into memory; the wire's SIZE is a 32-bit number. */
export const MAX_FETCHED_MESSAGE_OCTETS = 1024 * 1024 * 1024;

/**
 * Lines of a server during one login: a mechanism has three at most, and an IMAP server may have something to say between
 * them. One that asks without an end would be answered until the deadline.
 */
export const MAX_LOGIN_LINES = 32;

/** Octets of encoded records handed to the socket at once: large enough to be cheap, small enough not to hoard. */
export const RECORD_PIECE_OCTETS = 64 * 1024;

/** Octets of small commands gathered into one write within one turn of the event loop. */
export const CORK_OCTETS = 64 * 1024;

/** Milliseconds for a TLS handshake or greeting are part of `connectTimeoutMs`; this is its smallest useful value. */
export const MIN_CONNECT_TIMEOUT_MS = 100;

/** Octets of a file of certificates or of a key; the bundles of all public authorities have a quarter of a MiB. */
export const MAX_PEM_OCTETS = 16 * 1024 * 1024;
