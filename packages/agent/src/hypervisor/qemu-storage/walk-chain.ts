import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandProblem, hasErrorCode } from '../../failure.js';
import { type ImageFile, readImage } from './image-file.js';
import { ImageProblem } from './qcow2-header.js';
import { onStorage } from './storage-gate.js';

/** Ours stay at or below 32 (kvm.md §5.7); libvirt refuses more than 200. */
const MAX_CHAIN_LENGTH = 256;

interface Step {
  readonly path: string;
  readonly format: string;
}

/** A chain as the headers have it, head first. `problem`: why it could not be read to its end. */
export interface Chain {
  readonly layers: readonly ImageFile[];
  readonly problem: string | null;
}

/** Walks a chain one header at a time: nothing is probed, loops and endless chains are found, backing formats must be said. */
export async function walkChain(head: string, format: string): Promise<Chain> {
  const layers: ImageFile[] = [];
  const seen = new Set<string>();
  for (let next: Step | null = { path: head, format }; next !== null; ) {
    const step: Step = next;
    try {
      const path = await canonicalPath(step.path);
      if (seen.has(path)) throw new ImageProblem('the chain comes back to it');
      if (seen.size >= MAX_CHAIN_LENGTH) throw new ImageProblem(`the chain is longer than ${MAX_CHAIN_LENGTH} layers`);
      seen.add(path);
      const image = await readImage(path, step.format);
      layers.push(image);
      next = backingOf(image);
    } catch (error) {
      if (!(error instanceof ImageProblem)) throw error;
      return { layers, problem: `${step.path}: ${error.message}` };
    }
  }
  return { layers, problem: null };
}

/**
 * The path with its folder's links resolved; the file itself may not be a link and need not exist. Throws ImageProblem if the folder is not
 * there.
 */
export function canonicalPath(path: string): Promise<string> {
  return onStorage(`resolve ${path}`, async () => {
    try {
      return join(await realpath(dirname(path)), basename(path));
    } catch (cause) {
      if (hasErrorCode(cause, 'ENOENT') || hasErrorCode(cause, 'ENOTDIR')) throw new ImageProblem('its folder is not there', { cause });
      throw cause;
    }
  });
}

/** The canonical path of the file that an image is over; null for one without. Throws ImageProblem if its folder is not there. */
export async function backingPathOf({ path, header }: ImageFile): Promise<string | null> {
  const name = header?.backingName ?? null;
  return name === null ? null : canonicalPath(resolve(dirname(path), name));
}

/** QEMU takes `word:` at the beginning as a protocol (json:, nbd:, …) and not as a file. */
function backingOf(image: ImageFile): Step | null {
  const name = image.header?.backingName ?? null;
  if (name === null) return null;
  if (/^[^/]*:/.test(name)) throw new ImageProblem(`its backing ${name} is not a plain file name`);
  const format = image.header?.backingFormat ?? null;
  if (format === null) throw new ImageProblem('its header does not say the format of its backing file');
  return { path: resolve(dirname(image.path), name), format };
}

/** The error of a command whose image cannot be used. */
export function imageRefused(path: string, problem: string, cause?: unknown): CommandProblem {
  return new CommandProblem({
    code: 'IMAGE_REFUSED',
    message: `The image ${path} cannot be used: ${problem}. Nothing was changed.`,
    hint: 'Look at the file on the host; then let the machine be reconciled.',
    cause,
  });
}
