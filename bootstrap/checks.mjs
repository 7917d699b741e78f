import { say } from './say.mjs';
import { run } from './run.mjs';
import { NODE, ROOT } from './paths.mjs';
import { join } from 'node:path';

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

/** Name, program, arguments. All are run, also after one failed, so one run shows everything that is to be mended. */
/** @type {[string, string, string[]][]} */
const CHECKS = [
  ['format', bin('biome'), ['format', '--max-diagnostics=20', '.']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', '.']],
  ['dead code', bin('knip'), ['--no-progress']],
  ['types of the tests', bin('tsc'), ['-p', 'tests', '--noEmit']],
  ["types of the API's tests", bin('tsc'), ['-p', 'apps/api/tsconfig.test.json', '--noEmit']],
  ['emitted schema is the committed one', NODE, [join(ROOT, 'apps/api/dist/graphql/emit-schema.js'), '--check']],
  ['tidy', bin('vitest'), ['run', '--root', ROOT, 'tests/tidy']],
];

/** Runs all checks on what is built; returns the names of those that failed. */
export async function runChecks() {
  const failed = [];
  for (const [name, program, argv] of CHECKS) {
    const began = performance.now();
    const code = await run(program, argv, { quiet: true, deadlineMs: 5 * 60_000 });
    say(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    if (code !== 0) failed.push(name);
  }
  return failed;
}
