import { join } from 'node:path';
import { pathInHost } from '@coppice/lab';

/** Where a host's guests have their tick sockets, from outside and as the host sees it. Every host has such a folder of its own: guests migrate. */
export function tickFolderOf(hostRunDir: string): { readonly runDir: string; readonly runDirInHost: string } {
  const runDir = join(hostRunDir, 't');
  return { runDir, runDirInHost: pathInHost(hostRunDir, runDir) };
}
