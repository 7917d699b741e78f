/** The process of the API: reads the environment, starts, and stops in good order on SIGTERM or SIGINT. */
import 'reflect-metadata';
import { compose } from './compose.js';
import { readConfig } from './config.js';
import { createLog } from './platform/log.js';

/** How long a stop may take before the process ends anyway, in milliseconds: below what supervisors wait before SIGKILL. */
const STOP_MS = 15_000;

const config = readConfig(process.env);
const log = createLog(config.logLevel);
const api = await compose(config, log);

let isStopping = false;
function stop(signal: string): void {
  if (isStopping) return;
  isStopping = true;
  log.info({ signal }, 'stopping: requests that run may end, streams are sent away');
  setTimeout(() => {
    log.error('the stop took too long; ending now');
    process.exit(1);
  }, STOP_MS).unref();
  api.stop().then(
    () => log.info('stopped'),
    (error: unknown) => {
      log.error({ err: error }, 'the stop failed');
      process.exitCode = 1;
    },
  );
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);

const port = await api.start();
log.info({ port, bind: config.bind }, 'listening');
