/** `{5+}` or `%{default GUID 5}` at the end of a line: as many octets follow, and then the command goes on (protocol 7.2). */
const LITERAL = /[{ ]([0-9]+)\+?\}\r?\n$/;

/** Cuts what a client of the replication protocol sends into commands. It must not be given anything compressed. */
export class CommandSplitter {
  #text = '';

  /**
   * @param chunk each char is an octet
   * @returns the commands that are complete now, with their literals and line ends
   */
  add(chunk: string): string[] {
    this.#text += chunk;
    const commands: string[] = [];
    for (let end = endOfCommand(this.#text); end > 0; end = endOfCommand(this.#text)) {
      commands.push(this.#text.slice(0, end));
      this.#text = this.#text.slice(end);
    }
    return commands;
  }
}

/** @returns 0 where the first command is not complete */
function endOfCommand(text: string): number {
  for (let from = 0; ; ) {
    const end = text.indexOf('\n', from) + 1;
    if (end === 0) return 0;
    const literal = LITERAL.exec(text.slice(from, end));
    if (literal === null) return end;
    from = end + Number(literal[1]);
    if (from > text.length) return 0;
  }
}
