/** Use cases that change the installation: places, hosts, whose machine is whose. All of them are an ADMIN's. */
import type { Principal } from '../access/principal.js';
import type { Outcome } from '../errors/refusal.js';

/** What the resolvers of zones, hosts and assignment call. Ids are plain, null where the id given was none. */
export interface InstallationChanges {
  createZone(principal: Principal, input: { name: string }): Promise<Outcome<{ zoneId: string }>>;
  createCluster(principal: Principal, input: { zoneId: string | null; name: string }): Promise<Outcome<{ clusterId: string }>>;
  /** The token works once, within 24 hours. */
  createHostEnrollment(
    principal: Principal,
    input: { clusterId: string | null; hostName: string },
  ): Promise<Outcome<{ hostId: string; token: string }>>;
  revokeHost(principal: Principal, input: { hostId: string | null }): Promise<Outcome<{ hostId: string }>>;
  /** Binds the host to the journal that it comes with next. */
  acceptHost(principal: Principal, input: { hostId: string | null }): Promise<Outcome<{ hostId: string }>>;
  /** NOT_FOUND where the host has no such capability. */
  setHostCapability(
    principal: Principal,
    input: { hostId: string | null; name: string; enabled: boolean },
  ): Promise<Outcome<{ hostId: string }>>;
  /** Out of maintenance it is UP where its agent is connected, else DISCONNECTED. */
  setHostMaintenance(principal: Principal, input: { hostId: string | null; maintenance: boolean }): Promise<Outcome<{ hostId: string }>>;
  /** Refused while its agent is connected: such a host is not off. Afterwards it is REVOKED. */
  abandonHost(principal: Principal, input: { hostId: string | null }): Promise<Outcome<{ hostId: string }>>;
  /** The machine must be idle; its volumes and snapshots move with it. */
  assignVirtualMachine(
    principal: Principal,
    input: { virtualMachineId: string | null; projectId: string | null },
  ): Promise<Outcome<{ virtualMachineId: string }>>;
}
