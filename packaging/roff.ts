/** Text as roff takes it: nothing of it is a request or an escape, and what is typed is shown as it is typed. */
export function roffText(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\(rs')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('·', '\\(bu');
  return escaped.replace(/^(?=[.])/gm, '\\&');
}

/** A line of markdown: code becomes bold; a link its text, or nothing where it only points elsewhere on the page. */
export function roffOfMarkdown(markdown: string): string {
  const linked = markdown
    .replace(/ ?\(\[(?:above|below|why)\]\([^)]*\)\)/g, '')
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '');
  return linked
    .split('`')
    .map((part, index) => (index % 2 === 0 ? roffText(part) : bold(part)))
    .join('');
}

export function bold(text: string): string {
  return `\\fB${roffText(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${roffText(text)}\\fR`;
}

export function section(heading: string, ...lines: string[]): string[] {
  return [`.SH "${roffText(heading.toUpperCase())}"`, ...lines];
}

export function subsection(heading: string, ...lines: string[]): string[] {
  return [`.SS "${roffText(heading)}"`, ...lines];
}

/** A term and what is said of it. */
export function item(term: string, ...lines: string[]): string[] {
  return ['.TP', term, ...lines];
}

/** Lines as they are. */
export function verbatim(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map(roffText), '.fi'];
}
