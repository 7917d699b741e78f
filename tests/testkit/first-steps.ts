import type { GraphqlClient } from './graphql-client.js';

interface Payload {
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

/** The token as its owner got it, once, and what it is for. */
export interface ProjectSeen {
  readonly id: string;
  readonly name: string;
  readonly ownerToken: string;
  readonly operatorToken: string;
  readonly viewerToken: string;
}

/** What an ADMIN does on a new installation, by the public API alone. */
export class FirstSteps {
  private readonly admin: GraphqlClient;

  constructor(admin: GraphqlClient) {
    this.admin = admin;
  }

  async createCluster(zone: string, cluster: string): Promise<string> {
    const zoneId = await this.mutate<{ zone: { id: string } }>('createZone', 'zone { id }', { name: zone });
    const made = await this.mutate<{ cluster: { id: string } }>('createCluster', 'cluster { id }', {
      zoneId: zoneId.zone.id,
      name: cluster,
    });
    return made.cluster.id;
  }

  /** A one-time token with which an agent of that name enrols. */
  async enrolHost(clusterId: string, hostName: string): Promise<string> {
    const input = { clusterId, hostName };
    return (await this.mutate<{ token: string }>('createHostEnrollment', 'token', input)).token;
  }

  async createProject(name: string): Promise<ProjectSeen> {
    const { project } = await this.mutate<{ project: { id: string } }>('createProject', 'project { id }', { name });
    return {
      id: project.id,
      name,
      ownerToken: await this.createToken(project.id, 'OWNER'),
      operatorToken: await this.createToken(project.id, 'OPERATOR'),
      viewerToken: await this.createToken(project.id, 'VIEWER'),
    };
  }

  async createToken(projectId: string, role: string): Promise<string> {
    const input = { projectId, name: `${role} of the tests`, role };
    return (await this.mutate<{ token: string }>('createAccessToken', 'token', input)).token;
  }

  async assign(virtualMachineId: string, projectId: string): Promise<void> {
    const input = { virtualMachineId, projectId };
    await this.mutate('assignVirtualMachine', 'virtualMachine { id }', input);
  }

  private async mutate<T>(field: string, selection: string, input: object): Promise<T> {
    const inputType = `${field.charAt(0).toUpperCase()}${field.slice(1)}Input`;
    const document = `mutation Setup($input: ${inputType}!) { ${field}(input: $input) { ${selection} errors { code message } } }`;
    const answer = await this.admin.ask<Record<string, T & Payload>>(document, { input });
    const payload = answer[field];
    if (payload === undefined || payload.errors.length > 0) throw new Error(`${field} was refused: ${JSON.stringify(payload?.errors)}`);
    return payload;
  }
}
