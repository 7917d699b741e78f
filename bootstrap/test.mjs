import { readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './checks.mjs';
import { judge, printed, rowsOf } from './conformance-table.mjs';
import { ensureDebianPackages, TEST_PACKAGES } from './debian.mjs';
import { RESULTS, ROOT } from './paths.mjs';
import { run } from './run.mjs';
import { say } from './say.mjs';
import { summarize } from './summary.mjs';
import { build, installPackages } from './workspace.mjs';

// Whatever ends this process, the last line says how many failed: a crash before the first test counts as one.
let summary = { passed: 0, failed: 1, skipped: 0 };
process.on('exit', (code) => {
  console.log(`\n${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
  if (code === 0 && (summary.failed > 0 || summary.passed === 0)) process.exitCode = 1;
});

await ensureDebianPackages(TEST_PACKAGES);
await installPackages();
await build();
const failedChecks = await runChecks();
say('running the tests');
// A report of an older run must not stand for this one.
rmSync(RESULTS, { force: true });
// The tests of whole worlds mostly wait for guests and daemons: five at a time keep two cores busy. Projects take it from here only.
const workers = `--maxWorkers=${Math.max(5, availableParallelism())}`;
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
const code = await run(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--root', ROOT, workers, ...reporters, ...process.argv.slice(2)], {
  deadlineMs: 80 * 60_000,
});
const report = readFileSync(RESULTS, 'utf8');
summary = summarize(report, { vitestCode: code, failedChecks: failedChecks.length });
if (process.argv.length === 2)
  console.log(printed(judge(rowsOf(readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')), JSON.parse(report))));
if (failedChecks.length > 0) say(`failed checks: ${failedChecks.join(', ')}`);
