import type { FailureCode } from '@coppice/protocol';
import { CommandProblem, HypervisorLost } from '../../failure.js';
import type { LibvirtProblem } from './ffi.js';

/** virErrorNumber of the codes that decide something here (libvirt/virterror.h). */
const CODE = {
  INTERNAL_ERROR: 1,
  NO_CONNECT: 5,
  INVALID_CONN: 6,
  XML_ERROR: 27,
  NO_DOMAIN: 42,
  SYSTEM_ERROR: 38,
  RPC: 39,
  OPERATION_INVALID: 55,
  CONFIG_UNSUPPORTED: 67,
  OPERATION_TIMEOUT: 68,
  ARGUMENT_UNSUPPORTED: 74,
  BLOCK_COPY_ACTIVE: 83,
  OPERATION_UNSUPPORTED: 84,
  AGENT_UNRESPONSIVE: 86,
  RESOURCE_BUSY: 87,
  AGENT_UNSYNCED: 97,
} as const;

/** virErrorDomain VIR_FROM_RPC: the error is of the connection and not of the call. */
const FROM_RPC = 7;

interface Rule {
  readonly when: (problem: LibvirtProblem) => boolean;
  readonly code: FailureCode;
  readonly retryable: boolean;
  readonly hint?: string;
}

/** libvirt 9.0 that is killed while it starts a QEMU keeps the machine "starting up" for ever, and refuses whatever changes it. */
const LOCK_HINT =
  'Try again when the other work on the machine has ended. Where virsh domstate --reason says "starting up" and no QEMU runs, libvirtd died in a start: see "starting up" in the operations manual.';

/**
 * libvirt's errors in the words of the protocol; the first rule that holds decides. Texts are matched only where libvirt has no code of its
 * own (most of QEMU's refusals arrive as "internal error").
 */
const RULES: readonly Rule[] = [
  { when: ({ code }) => code === CODE.NO_DOMAIN, code: 'NOT_FOUND', retryable: false },
  { when: ({ message }) => /No space left on device/i.test(message), code: 'INSUFFICIENT_SPACE', retryable: true },
  { when: ({ message }) => /cannot acquire state change lock/i.test(message), code: 'MACHINE_BUSY', retryable: true, hint: LOCK_HINT },
  { when: ({ message }) => /active block job|block copy still active/i.test(message), code: 'MACHINE_BUSY', retryable: true },
  { when: ({ message }) => /Failed to get ".*" lock|is busy: node is used/i.test(message), code: 'MACHINE_BUSY', retryable: true },
  {
    when: ({ code }) => code === CODE.BLOCK_COPY_ACTIVE || code === CODE.RESOURCE_BUSY || code === CODE.OPERATION_TIMEOUT,
    code: 'MACHINE_BUSY',
    retryable: true,
  },
  {
    when: ({ code }) => code === CODE.AGENT_UNRESPONSIVE || code === CODE.AGENT_UNSYNCED,
    code: 'GUEST_AGENT_UNAVAILABLE',
    retryable: true,
  },
  { when: ({ message }) => /guest agent|guest-fsfreeze/i.test(message), code: 'GUEST_AGENT_UNAVAILABLE', retryable: true },
  { when: ({ code }) => code === CODE.OPERATION_INVALID, code: 'MACHINE_STATE', retryable: false },
  {
    when: ({ code }) => code === CODE.CONFIG_UNSUPPORTED || code === CODE.OPERATION_UNSUPPORTED,
    code: 'CAPABILITY_DISABLED',
    retryable: false,
  },
  {
    when: ({ message }) => /Input\/output error|Read-only file system|Stale file handle/i.test(message),
    code: 'IO_ERROR',
    retryable: true,
  },
];

/** Whether the connection broke: then nobody knows what became of the call. */
export function isConnectionLost({ code, domain, message }: LibvirtProblem): boolean {
  if (code === CODE.NO_CONNECT || code === CODE.INVALID_CONN || code === CODE.RPC) return true;
  const ofConnection = code === CODE.SYSTEM_ERROR || code === CODE.INTERNAL_ERROR;
  return (
    (domain === FROM_RPC && ofConnection) ||
    /client socket is closed|End of file while reading data|Failed to connect socket/i.test(message)
  );
}

/** The error that the agent throws for one of libvirt's; `doing` completes "libvirt refused to …". */
export function errorFor(problem: LibvirtProblem, doing: string): Error {
  const cause = new Error(`libvirt error ${problem.code} of domain ${problem.domain}: ${problem.message}`);
  if (isConnectionLost(problem)) return new HypervisorLost(`libvirt went away while asked to ${doing}`, { cause });
  const rule = RULES.find(({ when }) => when(problem));
  return new CommandProblem({
    code: rule?.code ?? 'INTERNAL',
    retryable: rule?.retryable ?? false,
    message: `libvirt refused to ${doing}: ${problem.message}.`,
    ...(rule?.hint === undefined ? {} : { hint: rule.hint }),
    cause,
  });
}
