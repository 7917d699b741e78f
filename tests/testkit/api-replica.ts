import { fileURLToPath } from 'node:url';
import { WorldProcess } from './world-process.js';
import { waitUntil } from './wait-until.js';

const API_MAIN = fileURLToPath(new URL('../../apps/api/dist/main.js', import.meta.url));

/** Where a replica listens and what it works on. */
export interface ReplicaRequest {
  readonly name: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly adminTokenFile: string;
  readonly logPath: string;
  readonly ledgerPath: string;
}

/** One process of the control plane. */
export class ApiReplica {
  readonly process: WorldProcess;
  readonly port: number;

  constructor(request: ReplicaRequest) {
    this.port = request.port;
    this.process = new WorldProcess({
      name: request.name,
      mainPath: API_MAIN,
      env: {
        DATABASE_URL: request.databaseUrl,
        COPPICE_API_PORT: String(request.port),
        COPPICE_BIND: '127.0.0.1',
        COPPICE_BOOTSTRAP_ADMIN_TOKEN_FILE: request.adminTokenFile,
        COPPICE_LOG_LEVEL: 'debug',
      },
      logPath: request.logPath,
      ledgerPath: request.ledgerPath,
    });
  }

  /** `http://…/graphql`, for queries and SSE; the WebSocket is on the same path. */
  get url(): string {
    return `${this.origin}/graphql`;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(): Promise<void> {
    this.process.start();
    await this.isReady();
  }

  async isReady(): Promise<void> {
    const describe = (): string => this.process.logTail();
    await waitUntil(
      `${this.process.recipe.name} to be ready`,
      async () => {
        this.process.mustRun();
        return (await fetch(`${this.origin}/readyz`, { signal: AbortSignal.timeout(5000) })).ok;
      },
      { describe },
    );
  }

  /** As a fault would end it. */
  async kill(): Promise<void> {
    await this.process.end('SIGKILL');
  }
}
