import { runChecks } from './checks.mjs';
import { say, stop } from './say.mjs';
import { build, installPackages } from './workspace.mjs';

await installPackages();
await build();
const failed = await runChecks();
if (failed.length > 0) stop(`${failed.length} checks failed: ${failed.join(', ')}`);
say('all checks passed');
