import { setTimeout as sleep } from 'node:timers/promises';
import { dropEvidenceExcept } from './thaw-evidence.js';
import { type ThawParts, thawLeftFrozen } from './thaw-left-frozen.js';

/** How long the thaws at the start wait for libvirt before the machine's commands go on without, in milliseconds. */
const CONNECT_MS = 60_000;
/** How often a guest that did not answer is asked again, in milliseconds; its watcher asks more often, for ten minutes. */
const TRY_AGAIN_MS = 30_000;

/** What it needs. `inTurn`: between a machine's commands, never beside one (CommandRunner). */
interface LeftFrozenParts extends ThawParts {
  readonly inTurn: (machineUuid: string, work: () => Promise<void>) => void;
  readonly signal: AbortSignal;
}

/** Freezes whose end nobody has seen: asks for their thaw until each is confirmed, so that the journal never blames a freeze of somebody else's. */
export class LeftFrozen {
  constructor(private readonly parts: LeftFrozenParts) {}

  /** At the start, before any command is taken up: puts a thaw in front of each machine's turn. */
  begin(): void {
    const { journal, stateDir, inTurn } = this.parts;
    dropEvidenceExcept(stateDir, new Set(journal.state.unfinished().map(({ command }) => command.id)));
    for (const { machineUuid } of journal.state.freezes()) inTurn(machineUuid, () => this.thawOnceConnected(machineUuid));
  }

  /** Of one machine, or of all. */
  thaw(machineUuid?: string): void {
    const { journal, inTurn } = this.parts;
    for (const freeze of journal.state.freezes()) {
      if (machineUuid !== undefined && freeze.machineUuid !== machineUuid) continue;
      inTurn(freeze.machineUuid, () => thawLeftFrozen(this.parts, freeze.machineUuid));
    }
  }

  /** Asks again now and then, until the signal is aborted. */
  async tryAgain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(TRY_AGAIN_MS, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (!signal.aborted) this.thaw();
    }
  }

  private async thawOnceConnected(machineUuid: string): Promise<void> {
    const { hypervisor, signal, log } = this.parts;
    try {
      await hypervisor.whenConnected(AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]));
    } catch {
      // Stopped, or libvirt is away: with its return they are asked again.
      log.warn({ machineUuid }, 'libvirt is away: a guest that may be frozen could not be asked yet');
      return;
    }
    await thawLeftFrozen(this.parts, machineUuid);
  }
}
