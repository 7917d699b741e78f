import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLedger, takePort } from './run-folder.js';
import { waitUntil } from './wait-until.js';
import type { World } from './world.js';
import { WorldProcess } from './world-process.js';

const WEB_MAIN = fileURLToPath(new URL('../../apps/web/dist/server.js', import.meta.url));

/** The dashboard's process, in front of one replica of a world. */
export interface WebServer {
  readonly url: string;
  readonly process: WorldProcess;
}

/** Starts the dashboard and waits until it answers. */
export async function startWebServer(world: World, replica = 0): Promise<WebServer> {
  const port = await takePort();
  const process = new WorldProcess({
    name: 'web',
    mainPath: WEB_MAIN,
    env: { COPPICE_WEB_PORT: String(port), COPPICE_BIND: '127.0.0.1', COPPICE_API_URL: world.replica(replica).origin },
    logPath: join(world.dir, 'web.log'),
    ledgerPath: runLedger(),
  });
  process.start();
  const url = `http://127.0.0.1:${port}`;
  await waitUntil('the dashboard to answer', async () => {
    process.mustRun();
    return (await fetch(url)).ok;
  });
  return { url, process };
}
