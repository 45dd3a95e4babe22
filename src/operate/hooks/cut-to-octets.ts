const MARK = '...';

/** @returns so much of a text as fits into the octets as UTF-8, whole characters alone, with `...` where something is missing */
export function cutToOctets(text: string, most: number): string {
  const octets = Buffer.from(text);
  if (octets.length <= most) return text;
  let end = most - MARK.length;
  while (isInsideCharacter(octets[end])) end -= 1;
  return `${octets.toString('utf8', 0, end)}${MARK}`;
}

function isInsideCharacter(octet: number | undefined): boolean {
  return octet !== undefined && (octet & 0xc0) === 0x80;
}
