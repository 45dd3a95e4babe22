import { type Closing, closingLines } from './document/failures.ts';
import type { ReportFile } from './document/report-file.ts';
import { Summary } from './document/summary.ts';
import type { EventListener, Verdict } from './events.ts';
import type { OutputPlan } from './output-plan.ts';
import { type PartOf, partLabel } from './part-of.ts';
import { type ProgramWords, REPLICATING } from './program-words.ts';
import { jsonTarget, openLogFile } from './sinks/log-file.ts';
import { type LogTarget, logSink } from './sinks/log-sink.ts';
import { type OutputStreams, Streams } from './sinks/streams.ts';
import { syslogFileTarget } from './sinks/syslog-file-target.ts';
import { verboseSink } from './sinks/verbose-sink.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import { SyncError } from './sync-error.ts';
import { Exposures, exposureText } from './words/exposures.ts';
import type { LogLevel } from './words/log-line.ts';
import { Remarks } from './words/remarks.ts';
import { statusLine } from './words/status-line.ts';
import { VerifyLines } from './words/verify-lines.ts';

export interface ReportOptions extends OutputPlan {
  channel: string | undefined;
  server: string;
  streams: OutputStreams;
  spellMailbox: SpellMailbox;
  /** Left out: those of a run that replicates. */
  words?: ProgramWords | undefined;
  /** Somebody waits for them; a daemon has its log. */
  tellsDifferences: boolean;
  /** Listeners of other rooms: they hear everything, before all others. */
  sinks?: readonly EventListener[];
  /** One execution of the command, for the log. */
  run?: string;
  /** Every line begins with what the run is a part of; undefined: of nothing. */
  part?: PartOf | undefined;
  /** Opens what shows progress, where that is wanted. */
  openDisplay?(streams: Streams): Promise<Disposable>;
  /** `--failures` and `--report`, opened already; the report closes them. */
  files?: readonly ReportFile[] | undefined;
  /** Opens syslog(3); called only when there is something to log. */
  openSyslog(ident: string, facility: string): { log(level: LogLevel, text: string): void; close(): void };
}

/** Every sink that a run's output plan asks for, behind one listener. */
export interface Report {
  readonly emit: EventListener;
  /** Users by what a comparison found them to be. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** One line on stderr, for what is no event. */
  say(line: string): void;
  /** Writes lines to stderr behind the name of the program. */
  remark(text: string): void;
  /** The log file has been moved away: it is opened anew. */
  reopenLog(): void;
  /** Ends the display, tells what was not done and why, and resolves when all has been handed to the system. */
  close(closing: Closing): Promise<void>;
}

/** @throws system errors if the syslog file cannot be opened */
export async function openReport(options: ReportOptions): Promise<Report> {
  const { verbose, verboseLog, syslogIdent, syslogFile, files = [], words = REPLICATING } = options;
  const { channel, server, spellMailbox, part } = options;
  const lead = part === undefined ? '' : `${partLabel(part)}: `;
  const led =
    (target: LogTarget): LogTarget =>
    (level, text, about) =>
      target(level, `${lead}${text}`, about);
  const streams = new Streams(options.streams, lead);
  const closers: (() => void)[] = [];

  const syslog = lazySyslog(options);
  closers.push(syslog.close);
  const remark = (text: string) => streams.errorText(`${words.program}: ${text}`);
  const targets: LogTarget[] = [untilItFails('syslog', led(syslog.log), remark)];
  if (syslogFile !== undefined) {
    const file = syslogFileTarget(syslogFile, syslogIdent);
    closers.push(() => file[Symbol.dispose]());
    targets.push(untilItFails(syslogFile, led(file), remark));
  }
  const { logFile, logFormat = 'text' } = options;
  const file = logFile === undefined ? undefined : openLogFile(logFile, logFormat, syslogIdent, remark);
  if (file) {
    closers.push(() => file[Symbol.dispose]());
    targets.push(logFormat === 'json' ? file.log : led(file.log));
  }
  if (options.logToStderr) {
    targets.push(
      logFormat === 'json'
        ? jsonTarget({ write: (line) => streams.errorDocument(line.trimEnd()) })
        : (_level, text) => streams.errorText(`${syslogIdent}: ${text}`),
    );
  }

  for (const file of files) file.attach(spellMailbox, remark);
  const summary = options.progress ? new Summary(spellMailbox) : undefined;
  const remarks = new Remarks(spellMailbox, words);
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
    logSink({
      ...{ run: options.run ?? String(process.pid), part, channel, server, spellMailbox, verboseLog },
      targets,
    }),
  ];
  if (!options.logToStderr) sinks.push(statusSink(remark));
  if ((options.progress || options.statsSeconds !== undefined) && options.openDisplay) {
    const display = await options.openDisplay(streams);
    // First, so that what follows stands below the last state of the display.
    closers.unshift(() => display[Symbol.dispose]());
  }

  return {
    emit: (event) => {
      if (event.kind === 'connection:exposed') {
        if (!exposures.isNews(event)) return;
        if (!options.logToStderr) remark(exposureText(event));
      }
      for (const sink of sinks) sink(event);
    },
    verdicts: verifying.users,
    reopenLog: () => file?.reopen(),
    say: (line) => streams.errorText(line),
    remark,
    async close(closing) {
      for (const close of closers) close();
      if (options.tellsDifferences) for (const line of verifying.closing()) streams.line(line);
      for (const line of remarks.lines()) streams.errorLine(line);
      for (const line of closingLines(closing, spellMailbox, words)) streams.errorLine(line);
      for (const line of summary?.lines() ?? []) streams.errorLine(line);
      for (const file of files) file.close(closing, Date.now());
      await streams.drained();
    },
  };
}

/** The answer to a signal is for whoever sent it, at a terminal as likely as not. */
function statusSink(say: (text: string) => void): EventListener {
  return (event) => {
    if (event.kind === 'run:status') say(statusLine(event.status));
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
  return (level, text, about) => {
    if (!usable) return;
    try {
      target(level, text, about);
    } catch (caught) {
      usable = false;
      complain(`logging to ${name} ended: ${SyncError.from(caught).message}`);
    }
  };
}
