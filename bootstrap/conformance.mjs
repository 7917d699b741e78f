import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, printed, rowsOf } from './conformance-table.mjs';
import { RESULTS, ROOT } from './paths.mjs';
import { say } from './say.mjs';

// Runs the tests, then prints the table; with --last it prints the table of the last run.
if (!process.argv.includes('--last')) spawnSync(process.execPath, [join(ROOT, 'bootstrap/test.mjs')], { stdio: 'inherit' });
if (!existsSync(RESULTS)) {
  say(`there are no results of a test run at ${RESULTS}; run npm test first`);
  process.exit(1);
}
const judged = judge(rowsOf(readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')), JSON.parse(readFileSync(RESULTS, 'utf8')));
console.log(printed(judged));
process.exitCode = judged.some((row) => row.verdict === 'fail') ? 1 : 0;
