import type { EventListener, Verdict } from './events.ts';
import { Exposures, exposureText } from './exposures.ts';
import { type Closing, type ClosingWords, closingLines } from './failures.ts';
import { type LogTarget, logSink } from './log-sink.ts';
import type { OutputPlan } from './output-plan.ts';
import { Remarks } from './remarks.ts';
import type { ReportFile } from './report-file.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import { statusLine } from './status-line.ts';
import { type OutputStreams, Streams } from './streams.ts';
import { Summary } from './summary.ts';
import { SyncError } from './sync-error.ts';
import { syslogFileTarget } from './syslog-file-target.ts';
import { verboseSink } from './verbose-sink.ts';
import { VerifyLines } from './verify-lines.ts';

export interface ReportOptions extends OutputPlan {
  channel: string | undefined;
  server: string;
  streams: OutputStreams;
  spellMailbox: SpellMailbox;
  /** Of the end; left out: those of a run that replicates. */
  words?: ClosingWords | undefined;
  /** Somebody waits for them; a daemon has its log. */
  tellsDifferences: boolean;
  /** Of other rooms: they hear everything, before all others. */
  sinks?: readonly EventListener[];
  /** Opens what shows progress, where that is wanted. */
  openDisplay?(streams: Streams): Promise<EventListener & Disposable>;
  /** `--failures` and `--report`, opened already; the report closes them. */
  files?: readonly ReportFile[] | undefined;
  /** Opens syslog(3); called only when there is something to log. */
  openSyslog(ident: string, facility: string): { log: LogTarget; close(): void };
}

/** Every sink that a run's output plan asks for, behind one listener. */
export interface Report {
  readonly emit: EventListener;
  /** Users by what a comparison found them to be. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** One line on stderr, for what is no event. */
  say(line: string): void;
  /** Ends the display, tells what was not done and why, and resolves when all has been handed to the system. */
  close(closing: Closing): Promise<void>;
}

/** @throws system errors if the syslog file cannot be opened */
export async function openReport(options: ReportOptions): Promise<Report> {
  const { verbose, verboseLog, syslogIdent, syslogFile, files = [] } = options;
  const { channel, server, spellMailbox } = options;
  const streams = new Streams(options.streams);
  const closers: (() => void)[] = [];

  const syslog = lazySyslog(options);
  closers.push(syslog.close);
  const complain = (text: string) => streams.errorText(text);
  const targets: LogTarget[] = [untilItFails('syslog', syslog.log, complain)];
  if (syslogFile !== undefined) {
    const file = syslogFileTarget(syslogFile, syslogIdent);
    closers.push(() => file[Symbol.dispose]());
    targets.push(untilItFails(syslogFile, file, complain));
  }
  if (options.logToStderr) targets.push((_level, text) => streams.errorText(`${syslogIdent}: ${text}`));

  for (const file of files) file.attach(spellMailbox, complain);
  const summary = options.progress ? new Summary(spellMailbox) : undefined;
  const remarks = new Remarks(spellMailbox);
  const exposures = new Exposures();
  const verifying = new VerifyLines(spellMailbox);
  const sinks: EventListener[] = [
    ...(options.sinks ?? []),
    remarks.hear,
    (event) => {
      const line = verifying.hear(event);
      if (line !== undefined && options.tellsDifferences) streams.line(line);
    },
    ...files.map((file) => file.hear),
    ...(summary === undefined ? [] : [summary.hear]),
    verboseSink(streams, verbose, () => Math.floor(Date.now() / 1_000)),
    logSink({ channel, server, spellMailbox, verboseLog, targets }),
  ];
  if (!options.logToStderr) sinks.push(statusSink(streams));
  if (options.progress && options.openDisplay) {
    const display = await options.openDisplay(streams);
    // First, so that what follows stands below the last state of the display.
    closers.unshift(() => display[Symbol.dispose]());
    sinks.push(display);
  }

  return {
    emit: (event) => {
      if (event.kind === 'connection:exposed') {
        if (!exposures.isNews(event)) return;
        if (!options.logToStderr) streams.errorText(`sync_client: ${exposureText(event)}`);
      }
      for (const sink of sinks) sink(event);
    },
    verdicts: verifying.users,
    say: (line) => streams.errorText(line),
    async close(closing) {
      for (const close of closers) close();
      if (options.tellsDifferences) for (const line of verifying.closing()) streams.line(line);
      for (const line of remarks.lines()) streams.errorLine(line);
      for (const line of closingLines(closing, spellMailbox, options.words)) streams.errorLine(line);
      for (const line of summary?.lines() ?? []) streams.errorLine(line);
      for (const file of files) file.close(closing, Date.now());
      await streams.drained();
    },
  };
}

/** The answer to a signal is for whoever sent it, at a terminal as likely as not. */
function statusSink(streams: Streams): EventListener {
  return (event) => {
    if (event.kind === 'run:status') streams.errorText(`sync_client: ${statusLine(event.status)}`);
  };
}

/** Opened at the first line: most runs log none. */
function lazySyslog({ openSyslog, syslogIdent, syslogFacility }: ReportOptions): {
  log: LogTarget;
  close(): void;
} {
  let syslog: ReturnType<ReportOptions['openSyslog']> | undefined;
  return {
    log(level, text) {
      syslog ??= openSyslog(syslogIdent, syslogFacility);
      syslog.log(level, text);
    },
    close: () => syslog?.close(),
  };
}

/** A log that cannot be written is complained about once, and is no reason to stop replicating. */
function untilItFails(name: string, target: LogTarget, complain: (text: string) => void): LogTarget {
  let usable = true;
  return (level, text) => {
    if (!usable) return;
    try {
      target(level, text);
    } catch (caught) {
      usable = false;
      complain(`sync_client: logging to ${name} ended: ${SyncError.from(caught).message}`);
    }
  };
}
