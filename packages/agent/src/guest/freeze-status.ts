import { z } from 'zod';
import type { Hypervisor } from '../hypervisor/port.js';

const status = z.enum(['thawed', 'frozen']);
/** What guest-fsfreeze-status answers. */
export type FreezeStatus = z.infer<typeof status>;

/** 'frozen' or 'thawed', as the guest says. */
export async function freezeStatus(hypervisor: Hypervisor, machineUuid: string, timeoutMs: number): Promise<FreezeStatus> {
  return status.parse(await hypervisor.guestCommand(machineUuid, { execute: 'guest-fsfreeze-status', timeoutMs }));
}
