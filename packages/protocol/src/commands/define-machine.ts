import { z } from 'zod';
import { count, diskTarget, uuid } from '../scalars.js';
import { chainLink } from './create-layers.js';
import { machineDefinition } from './freeze-layers.js';

/**
 * Makes a new machine that is like a recorded one: the recorded definition with this UUID and name, its disks on the given heads, and nothing
 * that can be one machine's alone (MAC addresses, NVRAM, sockets, serials, passed-through devices; PROTOCOL.md, Clones). It stays off, and
 * libvirt never starts it by itself. Writable disks of the record that are not named are left out.
 *
 * Repeats: it looks first. A machine of this UUID with this name on these heads is success. One with another content, or another machine of this
 * name, is MACHINE_STATE, and is left alone. A failure leaves nothing defined.
 */
export const defineMachine = z.object({
  verb: z.literal('define-machine'),
  /** The new machine's. */
  machineUuid: uuid,
  /** The domain's name: made by the API, unique by what it ends with, safe in paths. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  /** A persistent definition, as freeze-layers answered it. */
  recordedXml: z.string(),
  volumes: z
    .array(
      z.object({
        volumeId: uuid,
        target: diskTarget,
        /** The head first: nobody may be on it. */
        chain: z.array(chainLink).min(1).max(256),
      }),
    )
    .min(1)
    .max(64),
});

/** What defineMachine answers, after it has looked at the host. */
export const defineMachineResult = z.object({
  verb: z.literal('define-machine'),
  definition: machineDefinition,
  guestAgent: z.enum(['CONNECTED', 'DISCONNECTED', 'NOT_CONFIGURED']),
  volumes: z.array(z.object({ volumeId: uuid, allocatedBytes: count })),
});
