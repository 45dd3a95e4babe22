const { closeSync, fstatSync, openSync }: typeof import('node:fs') = require('node:fs');
const {
  nativePart,
}: {
  nativePart(): (Pick<typeof import('koffi'), 'view'> & { libc: LibraryHandle }) | undefined;
} = require('./native-part.cjs');

type LibraryHandle = import('koffi').LibraryHandle;

/** mmap(2), as on every 64-bit Linux. */
const MMAP =
  'void *mmap(void *address, size_t length, int protection, int flags, int descriptor, intptr_t offset)';
const PROT_READ = 0x1;
const MAP_PRIVATE = 0x2;
/** All of its pages at once, which takes a tenth of the time that each of them takes when it is met. */
const MAP_POPULATE = 0x8000;
/** -1 */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/**
 * @returns the octets of a file as the kernel has them anyway, until the process ends: read, they would be copied to memory that
 *   is new to it page by page. They must not be written. undefined where that cannot be had
 * @throws system errors where the file cannot be opened
 */
function mapFile(path: string): Buffer | undefined {
  const native = nativePart();
  if (native === undefined) return undefined;
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const mmap = native.libc.func(MMAP);
    const address = mmap(null, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    return address === MAP_FAILED ? undefined : Buffer.from(native.view(address, size));
  } finally {
    closeSync(descriptor);
  }
}

module.exports = { mapFile };
