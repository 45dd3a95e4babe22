import type { EventListener } from '../events.ts';
import { connectionLine, diagnosticLines, type ModeName } from '../words/error-lines.ts';
import { verboseLine } from '../words/verbose-line.ts';
import type { Streams } from './streams.ts';

/** `-v`: the C client's lines on stdout and stderr; `-v -v`: its protocol trace on stderr too. */
export function verboseSink(streams: Streams, verbose: number, unixTime: () => number): EventListener {
  let mode: ModeName = 'users';
  return (event) => {
    if (event.kind === 'run:start') mode = event.mode;
    const connection = connectionLine(event);
    if (connection !== undefined) streams.errorLine(connection);
    if (verbose === 0) return;
    if (event.kind === 'traffic') {
      if (verbose < 2) return;
      // The marks of Cyrus's protocol logs, so that tools for those read this too.
      const mark = event.direction === 'sent' ? '>' : '<';
      streams.trace(Buffer.concat([Buffer.from(`${mark}${unixTime()}${mark}`), event.text]));
      return;
    }
    const line = verboseLine(event);
    if (line !== undefined) streams.line(line);
    for (const diagnostic of diagnosticLines(event, mode)) streams.errorLine(diagnostic);
  };
}
