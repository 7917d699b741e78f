import type { Logger } from 'pino';
import type { AgentConfig } from './config.js';
import { thawLeftFrozen } from './guest/thaw-left-frozen.js';
import { LibvirtHypervisor } from './hypervisor/libvirt/libvirt-hypervisor.js';
import { Journal } from './journal/journal.js';

/** How long libvirt may take to answer, in milliseconds; systemd waits for us meanwhile. */
const CONNECT_MS = 10_000;

/** Thaws what a dead agent may have left frozen, and ends: for the unit's ExecStopPost. Says in the log what does not answer. */
export async function thawOnly(config: AgentConfig, log: Logger): Promise<void> {
  const journal = await Journal.open(config.stateDir);
  try {
    if (journal.state.freezes().length === 0) return;
    const hypervisor = new LibvirtHypervisor(config.libvirtUri, log);
    try {
      await hypervisor.whenConnected(AbortSignal.timeout(CONNECT_MS));
      await thawLeftFrozen({ journal, hypervisor, stateDir: config.stateDir, log });
    } finally {
      await hypervisor.close();
    }
  } finally {
    await journal.close();
  }
}
