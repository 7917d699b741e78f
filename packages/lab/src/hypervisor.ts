import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLineOf, endProcess, identifyProcess, type ProcessIdentity } from './process-identity.js';
import { ProgramError, runProgram } from './run-program.js';

/**
 * A private libvirt host: one libvirtd in mount and host-name namespaces of its own. It never sees or touches the machine's own libvirt:
 * /etc, /run and /var/{lib,log,cache} of libvirt are its own folders. It outlives the process that started it, and is taken over by the next.
 */
export interface Hypervisor {
  readonly name: string;
  /** What libvirt clients outside connect to. */
  readonly libvirtUri: string;
  readonly process: ProcessIdentity;
  readonly stateDir: string;
  readonly runDir: string;
}

/** `stateDir` keeps definitions, logs and the host's uuid; `runDir` holds sockets and must be short: socket paths end at 107 characters. */
export interface HypervisorPlace {
  readonly name: string;
  readonly stateDir: string;
  readonly runDir: string;
}

const START_DEADLINE_MS = 120_000;
const STOP_GRACE_MS = 10_000;
const MAX_SOCKET_PATH = 107;
const ENTER_SCRIPT = fileURLToPath(new URL('../guest/enter-host.sh', import.meta.url));

/** clear_emulator_capabilities = 0: QEMU runs as root and must still enter a pool below somebody's home folder of mode 700. */
const QEMU_CONF = `user = "root"
group = "root"
security_driver = "none"
security_default_confined = 0
clear_emulator_capabilities = 0
namespaces = [ ]
cgroup_controllers = [ ]
remember_owner = 0
dynamic_ownership = 0
stdio_handler = "file"
max_core = 0
`;

const SESSION_QEMU_CONF = `security_driver = "none"
stdio_handler = "file"
max_core = 0
`;

/** Where clients of the hypervisor at this place connect. Of a user without root rights it is a libvirt of the session kind. */
export function libvirtUriOf(runDir: string): string {
  return isRoot() ? `qemu:///system?socket=${socketOf(runDir)}` : `qemu:///session?socket=${socketOf(runDir)}`;
}

/**
 * A path below a hypervisor's run folder as that hypervisor and its guests see it: as root each has it in the place of /run/libvirt, so that one
 * definition names another folder on every host. Of a user without root rights there is no such place, and it is the same path.
 */
export function pathInHost(runDir: string, path: string): string {
  return isRoot() ? join('/run/libvirt', relative(runDir, path)) : path;
}

function socketOf(runDir: string): string {
  return isRoot() ? join(runDir, 'libvirt-sock') : join(runDir, 'libvirt/libvirt-sock');
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Starts the libvirtd of that place, or takes over the one that runs there; returns once it answers. Throws with the end of its log if it does not. */
export async function startHypervisor(place: HypervisorPlace): Promise<Hypervisor> {
  const socket = socketOf(place.runDir);
  if (Buffer.byteLength(`${socket}-admin`) > MAX_SOCKET_PATH)
    throw new Error(`${socket} is too long for a unix socket; use a shorter run folder`);
  const running = findHypervisor(place);
  if (running === undefined) await launch(place);
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const found = findHypervisor(place);
    if (found !== undefined && (await answers(found.libvirtUri))) return found;
    if (performance.now() > deadline) throw new Error(`libvirtd of host ${place.name} does not answer:\n${await logTail(place)}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** The hypervisor that runs at this place, if one does. Its process is ours only if its command line names our own pid file. */
export function findHypervisor(place: HypervisorPlace): Hypervisor | undefined {
  const pidFile = join(place.runDir, 'libvirtd.pid');
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const identity = Number.isInteger(pid) && pid > 1 ? identifyProcess(pid) : undefined;
  if (identity === undefined || commandLineOf(pid)?.includes(pidFile) !== true) return undefined;
  return { ...place, libvirtUri: libvirtUriOf(place.runDir), process: identity };
}

/** Ends libvirtd with SIGTERM; its guests run on (destroy them first if they shall not). Nothing happens if it is gone already. */
export async function stopHypervisor(hypervisor: Hypervisor): Promise<void> {
  await endProcess(hypervisor.process, 'SIGTERM', STOP_GRACE_MS);
}

/** Ends libvirtd with SIGKILL, as a fault would. */
export async function killHypervisor(hypervisor: Hypervisor): Promise<void> {
  await endProcess(hypervisor.process, 'SIGKILL', STOP_GRACE_MS);
}

async function launch(place: HypervisorPlace): Promise<void> {
  const { stateDir, runDir } = place;
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  await rm(join(runDir, 'libvirtd.pid'), { force: true });
  const command = isRoot() ? await systemCommand(place) : await sessionCommand(place);
  await mkdir(join(stateDir, 'log'), { recursive: true });
  const log = openSync(join(stateDir, 'log/stdout'), 'w');
  try {
    const env = { ...process.env, LC_ALL: 'C', ...command.env };
    const child = spawn(command.file, command.argv, { detached: true, stdio: ['ignore', log, log], cwd: '/', env });
    // Failures to start are seen as "does not answer", with the log.
    child.on('error', () => child.unref());
    child.unref();
  } finally {
    closeSync(log);
  }
}

interface LaunchCommand {
  readonly file: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** As root: a libvirtd of the system kind in mount and host-name namespaces of its own. */
async function systemCommand({ name, stateDir, runDir }: HypervisorPlace): Promise<LaunchCommand> {
  for (const dir of ['etc/qemu', 'var/qemu', 'log/qemu', 'cache/qemu']) await mkdir(join(stateDir, dir), { recursive: true });
  await writeConfiguration(stateDir, join(stateDir, 'etc'), QEMU_CONF);
  const argv = ['--mount', '--uts', '--propagation', 'private', 'sh', ENTER_SCRIPT, name, stateDir, runDir];
  return { file: 'unshare', argv, env: {} };
}

/**
 * As a user: a libvirtd of the session kind, whose folders are named by environment. (A user namespace does not do: libvirt sets supplementary groups before it
 * starts QEMU, and there that is forbidden.) The configuration folder holds QEMU's sockets, so it is reached by a short link.
 */
async function sessionCommand({ stateDir, runDir }: HypervisorPlace): Promise<LaunchCommand> {
  const config = join(stateDir, 'config');
  await mkdir(join(config, 'libvirt'), { recursive: true });
  const link = join(runDir, 'config');
  await rm(link, { force: true });
  await symlink(config, link);
  await writeConfiguration(stateDir, join(config, 'libvirt'), SESSION_QEMU_CONF);
  const env = {
    XDG_CONFIG_HOME: link,
    XDG_RUNTIME_DIR: runDir,
    XDG_CACHE_HOME: join(stateDir, 'cache'),
    XDG_DATA_HOME: join(stateDir, 'data'),
  };
  return {
    file: 'libvirtd',
    argv: ['--pid-file', join(runDir, 'libvirtd.pid')],
    env: { ...env, PATH: `${process.env['PATH'] ?? '/usr/bin'}:/usr/sbin` },
  };
}

async function writeConfiguration(stateDir: string, etc: string, qemuConf: string): Promise<void> {
  await writeFile(
    join(etc, 'libvirtd.conf'),
    libvirtdConf(await hostUuid(stateDir), isRoot() ? '/var/log/libvirt' : join(stateDir, 'log')),
  );
  await writeFile(join(etc, 'qemu.conf'), qemuConf);
  await writeFile(join(etc, 'libvirt.conf'), '');
}

/** Migration refuses two hosts of one uuid, and all hosts of a machine share its firmware's; so each keeps one of its own. */
async function hostUuid(stateDir: string): Promise<string> {
  const path = join(stateDir, 'uuid');
  if (!existsSync(path)) await writeFile(path, randomUUID());
  return (await readFile(path, 'utf8')).trim();
}

function libvirtdConf(uuid: string, logDir: string): string {
  return `unix_sock_rw_perms = "0770"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "${uuid}"
log_filters = "3:util 3:rpc"
log_outputs = "3:file:${logDir}/libvirtd.log"
`;
}

async function answers(libvirtUri: string): Promise<boolean> {
  try {
    await runProgram('virsh', ['-q', '-c', libvirtUri, 'uri'], { deadlineMs: 10_000 });
    return true;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}

async function logTail(place: HypervisorPlace): Promise<string> {
  const logs = ['log/stdout', 'log/libvirtd.log'].map((name) => join(place.stateDir, name)).filter((path) => existsSync(path));
  const texts = await Promise.all(logs.map((path) => readFile(path, 'utf8')));
  return texts.map((text) => text.slice(-2000)).join('\n');
}
