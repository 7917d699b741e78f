import { z } from 'zod';

const blockdevFile = z.object({ file: z.object({ filename: z.string() }) });
const answer = z.object({ return: z.array(z.object({ inserted: z.object({ file: z.string() }).optional() })) });

/** The files that QEMU's disks are on, from its answer to query-block; QEMU prints a plain path, or `json:` with the options it was given. */
export function writtenFilesOf(text: string): string[] {
  return answer.parse(JSON.parse(text)).return.flatMap(({ inserted }) => (inserted === undefined ? [] : pathsOf(inserted.file)));
}

function pathsOf(name: string): string[] {
  if (!name.startsWith('json:')) return [name];
  const options = blockdevFile.safeParse(JSON.parse(name.slice('json:'.length)));
  return options.success ? [options.data.file.filename] : [];
}
