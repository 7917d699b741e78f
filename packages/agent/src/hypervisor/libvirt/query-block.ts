import { z } from 'zod';

const blockdevFile = z.object({ file: z.object({ filename: z.string() }) });
const answer = z.object({
  return: z.array(z.object({ qdev: z.string().optional(), inserted: z.object({ file: z.string() }).optional() })),
});

/** The files that QEMU's disks are on, from its answer to query-block; QEMU prints a plain path, or `json:` with the options it was given. */
export function writtenFilesOf(text: string): string[] {
  return answer.parse(JSON.parse(text)).return.flatMap(({ inserted }) => (inserted === undefined ? [] : pathsOf(inserted.file)));
}

/** The device whose disk is on this file, as QEMU names it; null if none is. */
export function deviceOn(text: string, path: string): string | null {
  const isOn = answer
    .parse(JSON.parse(text))
    .return.find(({ inserted }) => inserted !== undefined && pathsOf(inserted.file).includes(path));
  return isOn?.qdev ?? null;
}

function pathsOf(name: string): string[] {
  if (!name.startsWith('json:')) return [name];
  const options = blockdevFile.safeParse(JSON.parse(name.slice('json:'.length)));
  return options.success ? [options.data.file.filename] : [];
}
