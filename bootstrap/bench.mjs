import { join } from 'node:path';
import { DEMO_PACKAGES, ensureDebianPackages } from './debian.mjs';
import { ROOT } from './paths.mjs';
import { run } from './run.mjs';
import { build, installPackages } from './workspace.mjs';

// Prints ratios against bare libvirt in the same run; never a verdict, because the machine is shared.
await ensureDebianPackages(DEMO_PACKAGES);
await installPackages();
await build();
process.exitCode = await run(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--config', join(ROOT, 'tests/bench/vitest.config.ts')]);
