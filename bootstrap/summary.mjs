/**
 * Pure: counts of one vitest run from its JSON report. A file that failed without a failed test (it could not be loaded, a hook threw) counts as one failure,
 * so does a run that ended badly though every test passed, and every failed check.
 */
export function summarize(reportText, { vitestCode, failedChecks }) {
  const report = JSON.parse(reportText);
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failedTests = report.numFailedTests + brokenFiles.length;
  const endedBadly = vitestCode !== 0 && failedTests === 0 ? 1 : 0;
  return {
    passed: report.numPassedTests,
    failed: failedTests + endedBadly + failedChecks,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
