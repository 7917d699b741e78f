/** Private libvirt hosts and tiny guests for the demo and the tests. It must never touch the machine's own libvirt, and never choose KVM. */
export { buildGuestFiles, type GuestFiles, type Report } from './guest-files.js';
export {
  findHypervisor,
  killHypervisor,
  libvirtUriOf,
  pathInHost,
  startHypervisor,
  stopHypervisor,
  type Hypervisor,
  type HypervisorPlace,
} from './hypervisor.js';
export { createGuestDisks, type GuestDisk, type GuestDisksRequest } from './guest-disks.js';
export { guestDomainXml, tickSocketOf, type GuestDefinition } from './guest-definition.js';
export { defineGuest, destroyGuest, guestState, listGuests, startGuest, stopGuest, waitForGuestAgent } from './guest.js';
export { askGuestAgent, guestAgentCommand, guestExec, pingGuestAgent, type GuestProgramResult } from './guest-agent.js';
export { parseTick, TickListener, type Tick } from './ticks.js';
export { someOf } from './some-of.js';
export { virsh } from './virsh.js';
export { ProgramError, runProgram, type ProgramOptions, type ProgramOutput } from './run-program.js';
export { commandLineOf, endProcess, identifyProcess, isSameProcess, type ProcessIdentity } from './process-identity.js';
