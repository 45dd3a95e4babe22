export interface ListenAddress {
  host: string;
  port: number;
}

export const LISTEN_ADDRESS_FORMS = 'a port, or HOST:PORT, or [ADDRESS]:PORT';

const LOOPBACK = '127.0.0.1';
const HIGHEST_PORT = 65_535;

/** `[HOST:]PORT`; without a host that nobody else can reach. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):)?([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, address, name, digits] = match;
  const port = Number(digits);
  return port <= HIGHEST_PORT ? { host: address ?? name ?? LOOPBACK, port } : undefined;
}
