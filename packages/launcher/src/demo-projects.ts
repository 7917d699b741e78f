import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { LauncherConfig } from './config.js';
import { type Credentials, writeCredentials } from './credentials.js';
import { Errors, listHosts, made } from './demo-enrolment.js';
import { DEMO_MACHINES, type DemoMachine } from './demo-machines.js';
import { DEMO_HOSTS } from './programs.js';
import { LaunchError, waitUntil } from './progress.js';
import { PublicApi } from './public-api.js';

/** An agent retries its connection with jitter; the first inventory follows at once. */
const HOST_UP_DEADLINE_MS = 90_000;
const MACHINE_SEEN_DEADLINE_MS = 60_000;
/** Unfinished work of before a kill, or a guest that does not come up: reported, not waited for without end. */
const QUIET_DEADLINE_MS = 60_000;
const ASK_EVERY_MS = 250;

const Named = z.object({ id: z.string(), name: z.string() });
const Projects = z.object({ projects: z.object({ nodes: z.array(Named) }) });
const Machine = Named.extend({
  project: Named.nullable(),
  guestAgent: z.string(),
  operation: z.object({ id: z.string(), state: z.string() }).nullable(),
});
const Machines = z.object({ virtualMachines: z.object({ nodes: z.array(Machine) }) });

/** A token of each demo project, kept in credentials.json as soon as it is made: it is shown only once. */
export async function giveProjectsTokens(api: PublicApi, config: LauncherConfig, credentials: Credentials): Promise<Credentials> {
  let current = credentials;
  for (const machine of DEMO_MACHINES) {
    const projectId = await findOrCreateProject(api, machine.project);
    const kept = current[machine.tokenName];
    if (kept !== undefined && (await new PublicApi(api.url, kept).isAccepted())) continue;
    current = { ...current, [machine.tokenName]: await createToken(api, projectId) };
    await writeCredentials(config, current);
  }
  return current;
}

/** Waits until both demo hosts are UP; `agentLogs` is said if they are not in time. */
export async function waitForHosts(api: PublicApi, agentLogs: () => string): Promise<void> {
  const areUp = async (): Promise<boolean> => {
    const hosts = await listHosts(api);
    return DEMO_HOSTS.every((name) => hosts.some((host) => host.name === name && host.state === 'UP'));
  };
  const late = (): string => `The demo hosts' agents are not connected after ${HOST_UP_DEADLINE_MS / 1000} s:\n${agentLogs()}`;
  await waitUntil(areUp, { deadlineMs: HOST_UP_DEADLINE_MS, everyMs: ASK_EVERY_MS, late });
}

/** Gives the machine, once an agent has reported it, to its project. */
export async function assignMachine(api: PublicApi, machine: DemoMachine): Promise<void> {
  const late = (): string => `No agent has reported the demo's machine ${machine.name} within ${MACHINE_SEEN_DEADLINE_MS / 1000} s.`;
  await waitUntil(async () => (await findMachine(api, machine)) !== undefined, {
    deadlineMs: MACHINE_SEEN_DEADLINE_MS,
    everyMs: ASK_EVERY_MS,
    late,
  });
  const found = await findMachine(api, machine);
  if (found === undefined || found.project !== null) return;
  const { assignVirtualMachine } = await api.ask({
    document:
      'mutation ($input: AssignVirtualMachineInput!) { assignVirtualMachine(input: $input) { virtualMachine { id } errors { code message } } }',
    variables: { input: { virtualMachineId: found.id, projectId: await findOrCreateProject(api, machine.project) } },
    shape: z.object({ assignVirtualMachine: z.object({ virtualMachine: z.object({ id: z.string() }).nullable(), errors: Errors }) }),
  });
  made(`assignment of ${machine.name}`, assignVirtualMachine.virtualMachine, assignVirtualMachine.errors);
}

/** Waits until no operation holds the machine. False: one still does, so the machine must not be started by hand. */
export async function waitUntilIdle(api: PublicApi, machine: DemoMachine): Promise<boolean> {
  return becomesTrue(async () => (await findMachine(api, machine))?.operation === null);
}

/** Waits until the API sees the machine's guest agent, so that the first snapshot somebody asks for can be quiesced. False: not in time. */
export async function waitUntilGuestAnswers(api: PublicApi, machine: DemoMachine): Promise<boolean> {
  return becomesTrue(async () => (await findMachine(api, machine))?.guestAgent === 'CONNECTED');
}

async function becomesTrue(probe: () => Promise<boolean>): Promise<boolean> {
  try {
    await waitUntil(probe, { deadlineMs: QUIET_DEADLINE_MS, everyMs: ASK_EVERY_MS, late: () => 'not in time' });
    return true;
  } catch (error) {
    if (error instanceof LaunchError && error.message === 'not in time') return false;
    throw error;
  }
}

async function findMachine(api: PublicApi, machine: DemoMachine): Promise<z.infer<typeof Machine> | undefined> {
  const document =
    'query ($filter: VirtualMachineFilter) { virtualMachines(first: 100, filter: $filter) { nodes { id name guestAgent project { id name } operation { id state } } } }';
  for (const filter of [{ keyword: machine.name }, { unassigned: true }]) {
    const { virtualMachines } = await api.ask({ document, variables: { filter }, shape: Machines });
    const found = virtualMachines.nodes.find(
      ({ name, project }) => name === machine.name && (project === null || project.name === machine.project),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findOrCreateProject(api: PublicApi, name: string): Promise<string> {
  const { projects } = await api.ask({ document: '{ projects(first: 100) { nodes { id name } } }', shape: Projects });
  const found = projects.nodes.find((project) => project.name === name);
  if (found !== undefined) return found.id;
  const { createProject } = await api.ask({
    document: 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { id name } errors { code message } } }',
    variables: { input: { name } },
    shape: z.object({ createProject: z.object({ project: Named.nullable(), errors: Errors }) }),
  });
  return made(`project ${name}`, createProject.project, createProject.errors).id;
}

/** The name is new each time: a token that was made just before a kill is lost, and its name taken. */
async function createToken(api: PublicApi, projectId: string): Promise<string> {
  const name = `demo-${randomBytes(3).toString('hex')}`;
  const { createAccessToken } = await api.ask({
    document: 'mutation ($input: CreateAccessTokenInput!) { createAccessToken(input: $input) { token errors { code message } } }',
    variables: { input: { projectId, name, role: 'OWNER' } },
    shape: z.object({ createAccessToken: z.object({ token: z.string().nullable(), errors: Errors }) }),
  });
  return made('access token', createAccessToken.token, createAccessToken.errors);
}
