import { CommandProblem, HypervisorLost } from '../../failure.js';
import type { LiveMigration, Migrations, OtherHost } from '../machine-port.js';
import type { ChildLink } from './child-link.js';
import { errorFor, isConnectionLost } from './errors.js';
import type { LibvirtProblem } from './ffi.js';
import { factsOf } from './machine-facts.js';

/** Opening a connection through a network and ssh, and three short calls. */
const LOOK_DEADLINE_MS = 20_000;
const CHANGE_DEADLINE_MS = 45_000;
/** Beyond the bound that migrate-machine keeps itself, by aborting. */
const MIGRATE_DEADLINE_MS = 5 * 3_600_000;

/** The Migrations port over libvirt. */
export class LibvirtMigrations implements Migrations {
  constructor(private readonly link: ChildLink) {}

  async lookAt(uri: string, uuid: string): Promise<OtherHost> {
    const doing = `look for machine ${uuid} at ${uri}`;
    try {
      const answer = await this.link.call('lookAt', { uri, uuid }, { doing, deadlineMs: LOOK_DEADLINE_MS });
      if (answer.problem !== null) return { isReached: false, problem: answer.problem.message };
      return { isReached: true, isThisHost: answer.isThisHost, machine: answer.machine === null ? null : factsOf(answer.machine) };
    } catch (error) {
      // Whichever of the two does not answer: what the other host says is not known.
      if (error instanceof HypervisorLost) return { isReached: false, problem: error.message };
      throw error;
    }
  }

  async migrateLive(migration: LiveMigration): Promise<{ problem: Error | null }> {
    const { uuid, destinationUri: uri, streamUri, persistentXml, isStorageKnownShared: isUnsafe, isEncrypted } = migration;
    const doing = `migrate machine ${uuid} to ${uri}`;
    const argument = { uuid, uri, streamUri, persistentXml, isUnsafe, isEncrypted };
    const { problem } = await this.link.call('migrate', argument, { doing, deadlineMs: MIGRATE_DEADLINE_MS });
    return { problem: problem === null ? null : problemThere(uri, problem, doing) };
  }

  progressOf(uuid: string): Promise<{ bytesDone: number; bytesTotal: number } | null> {
    const doing = `tell how far machine ${uuid} has migrated`;
    return this.link.call('migrationProgress', { uuid }, { doing, deadlineMs: LOOK_DEADLINE_MS });
  }

  async abort(uuid: string): Promise<void> {
    await this.link.call('abortJob', { uuid }, { doing: `abort the migration of machine ${uuid}`, deadlineMs: CHANGE_DEADLINE_MS });
  }

  async resumeAt(uri: string, uuid: string): Promise<void> {
    const doing = `let machine ${uuid} go on at ${uri}`;
    const { problem } = await this.link.call('resumeAt', { uri, uuid }, { doing, deadlineMs: CHANGE_DEADLINE_MS });
    if (problem !== null) throw problemThere(uri, problem, doing);
  }

  async defineAt(uri: string, xml: string): Promise<void> {
    const doing = `define a machine at ${uri}`;
    const { problem } = await this.link.call('defineAt', { uri, xml }, { doing, deadlineMs: CHANGE_DEADLINE_MS });
    if (problem !== null) throw problemThere(uri, problem, doing);
  }
}

/** A connection that broke is the other host's, as far as this one can tell: then it does not answer. */
function problemThere(uri: string, problem: LibvirtProblem, doing: string): Error {
  if (!isConnectionLost(problem)) return errorFor(problem, doing);
  return new CommandProblem({
    code: 'HOST_UNAVAILABLE',
    retryable: true,
    message: `The libvirt at ${uri} does not answer: ${problem.message}.`,
    cause: new Error(`libvirt error ${problem.code} of domain ${problem.domain}: ${problem.message}`),
  });
}
