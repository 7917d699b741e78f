import { dirname, isAbsolute, join } from 'node:path';
import { CommandProblem } from '../../failure.js';

/** Where a machine goes. `streamUri`: how its memory travels there; null: as the two libvirts agree. */
export interface Destination {
  readonly uri: string;
  readonly streamUri: string | null;
  readonly isEncrypted: boolean;
}

const SCHEMES = ['qemu:', 'qemu+unix:', 'qemu+tls:', 'qemu+ssh:', 'qemu+tcp:'];
/** Never a leading dash: ssh would read it as an option. */
const HOST = /^[A-Za-z0-9[][A-Za-z0-9.:\]_-]*$/;
const USER = /^[A-Za-z0-9_.]*$/;

/**
 * Reads a destination. It came from another host, and libvirt's URIs can name programs to run (`command=`, `netcat=`, qemu+ext): what is not
 * known to be harmless is refused.
 */
export function destinationOf(uri: string, machineUuid: string): Destination {
  const url = parsed(uri);
  const parameters = [...url.searchParams.keys()];
  const socket = url.searchParams.get('socket');
  if (!SCHEMES.includes(url.protocol)) throw refused(uri, `its scheme ${url.protocol} is none of ${SCHEMES.join(' ')}`);
  if (parameters.some((name) => name !== 'socket') || parameters.length > 1) throw refused(uri, 'it has other parameters than one socket');
  if (socket !== null && !isAbsolute(socket)) throw refused(uri, 'its socket is no absolute path');
  if (url.password !== '' || !USER.test(url.username)) throw refused(uri, 'its user is not a plain name');
  const isEncrypted = url.protocol === 'qemu+tls:';
  if (url.hostname !== '') {
    if (!HOST.test(url.hostname)) throw refused(uri, 'its host is not a plain name or address');
    return { uri, isEncrypted, streamUri: `tcp://${url.hostname}` };
  }
  // Two libvirts of one machine: no port is needed, and the folder of the other's socket is the one place that both are sure to reach.
  const streamUri = socket === null ? null : `unix://${join(dirname(socket), `migrate-${machineUuid}`)}`;
  return { uri, isEncrypted, streamUri };
}

function parsed(uri: string): URL {
  try {
    return new URL(uri);
  } catch {
    throw refused(uri, 'it is no URI');
  }
}

function refused(uri: string, problem: string): CommandProblem {
  return new CommandProblem({
    code: 'CAPABILITY_DISABLED',
    message: `Nothing is migrated to ${uri}: ${problem}. Nothing was changed.`,
    hint: "Put the destination's migrationUri right in its agent's configuration.",
  });
}
