import { join } from 'node:path';
import { DEMO_PACKAGES, ensureDebianPackages } from './debian.mjs';
import { NODE, ROOT } from './paths.mjs';
import { handOver } from './run.mjs';
import { say, stop } from './say.mjs';
import { build, installPackages } from './workspace.mjs';

const argv = process.argv.slice(2);
const unknown = argv.find((argument) => argument !== '--no-demo');
if (unknown !== undefined) stop(`Unknown argument ${unknown}. Usage: npm start [-- --no-demo]`);

say('Coppice starts');
if (!argv.includes('--no-demo')) await ensureDebianPackages(DEMO_PACKAGES);
await installPackages();
await build();
await handOver(NODE, [join(ROOT, 'packages/launcher/dist/main.js'), ...argv]);
