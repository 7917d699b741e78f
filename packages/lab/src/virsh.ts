import { runProgram } from './run-program.js';

/** libvirt itself waits up to 30 s for its own locks; beyond twice that nothing comes any more. */
const VIRSH_DEADLINE_MS = 60_000;

/** Runs one virsh command on a host and returns what it printed. For the lab and for checks from outside; the product talks to libvirt itself. */
export async function virsh(libvirtUri: string, argv: readonly string[], deadlineMs: number = VIRSH_DEADLINE_MS): Promise<string> {
  const { stdout } = await runProgram('virsh', ['-q', '-c', libvirtUri, ...argv], { deadlineMs });
  return stdout;
}
