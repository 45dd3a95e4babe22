/** A u64 as a number; not a safe integer above 2^53-1, which the caller refuses: only damage gets there. */
export function readU64(octets: Buffer, offset: number): number {
  return octets.readUInt32BE(offset) * 0x1_0000_0000 + octets.readUInt32BE(offset + 4);
}
