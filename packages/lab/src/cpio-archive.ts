/** What goes into an initramfs: a folder (no content) or a file. Paths are relative, folders come before what is in them. */
export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly content?: Buffer;
}

const FOLDER_TYPE = 0o040000;
const FILE_TYPE = 0o100000;

/** Writes a "newc" cpio archive, the form that the kernel unpacks as initramfs (Documentation/driver-api/early-userspace/buffer-format.rst). */
export function writeCpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => writeEntry(entry, index + 1));
  return Buffer.concat([...parts, ...writeEntry({ path: 'TRAILER!!!', mode: 0 }, 0)]);
}

function writeEntry(entry: CpioEntry, inode: number): Buffer[] {
  const content = entry.content ?? Buffer.alloc(0);
  const isTrailer = inode === 0;
  const type = isTrailer ? 0 : entry.content === undefined ? FOLDER_TYPE : FILE_TYPE;
  const name = Buffer.from(`${entry.path}\0`);
  const fields = [inode, type | entry.mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [padded(Buffer.concat([header, name])), padded(content)];
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
