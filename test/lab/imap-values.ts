/** One value of an IMAP answer: atom, quoted string or literal (octets, latin1), NIL, or a parenthesised list. */
export type ImapValue = string | null | ImapValue[];

/**
 * Parses one whole answer line, literals included, without its final CRLF. Lenient where servers are: an atom is
 * anything up to a blank or bracket, except that `[...]` inside one keeps its blanks (`BODY[HEADER.FIELDS (X)]`).
 */
export function parseImapLine(line: string): ImapValue[] {
  const values: ImapValue[] = [];
  let position = 0;
  const stack: ImapValue[][] = [values];
  const put = (value: ImapValue) => {
    stack.at(-1)?.push(value);
  };
  while (position < line.length) {
    const char = line[position];
    if (char === ' ') position += 1;
    else if (char === '(') {
      const list: ImapValue[] = [];
      put(list);
      stack.push(list);
      position += 1;
    } else if (char === ')') {
      if (stack.length === 1) throw new Error(`unmatched bracket in IMAP answer: ${line.slice(0, 200)}`);
      stack.pop();
      position += 1;
    } else if (char === '"') {
      let text = '';
      position += 1;
      while (line[position] !== '"') {
        if (line[position] === '\\') position += 1;
        if (position >= line.length) throw new Error(`open quote in IMAP answer: ${line.slice(0, 200)}`);
        text += line[position];
        position += 1;
      }
      put(text);
      position += 1;
    } else if (char === '{') {
      const literal = /\{(\d+)\+?\}\r?\n/y;
      literal.lastIndex = position;
      const match = literal.exec(line);
      if (match === null)
        throw new Error(`bad literal in IMAP answer: ${line.slice(position, position + 40)}`);
      const start = literal.lastIndex;
      position = start + Number(match[1]);
      put(line.slice(start, position));
    } else {
      const start = position;
      let depth = 0;
      while (position < line.length) {
        const here = line[position];
        if (here === '[') depth += 1;
        else if (here === ']') depth -= 1;
        else if (depth <= 0 && (here === ' ' || here === '(' || here === ')')) break;
        position += 1;
      }
      const atom = line.slice(start, position);
      put(atom === 'NIL' ? null : atom);
    }
  }
  if (stack.length !== 1) throw new Error(`open bracket in IMAP answer: ${line.slice(0, 200)}`);
  return values;
}

/** `value` as text, or an error that names what was expected. */
export function expectText(value: ImapValue | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`expected ${what} in IMAP answer, found ${JSON.stringify(value)}`);
}

export function expectList(value: ImapValue | undefined, what: string): ImapValue[] {
  if (Array.isArray(value)) return value;
  throw new Error(`expected ${what} in IMAP answer, found ${JSON.stringify(value)}`);
}

/** A name or value as an IMAP quoted string. Octets 0, CR, LF and above 127 need a literal instead. */
export function quoteImap(text: string): string {
  if (/[\0\r\n\x80-\uffff]/.test(text))
    throw new Error(`cannot be an IMAP quoted string: ${JSON.stringify(text)}`);
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** A mailbox name as people write it, in the modified UTF-7 of IMAP (RFC 3501 section 5.1.3). */
export function mailboxNameFromText(text: string): string {
  return text.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const utf16 = Buffer.from(run, 'utf16le').swap16();
    return `&${utf16.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}
