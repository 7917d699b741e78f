import { describe, expect, it } from 'vitest';
import { idsIn, judge, rowsOf } from './conformance-table.mjs';
import { haveCandidates, missingPackages } from './debian.mjs';
import { summarize } from './summary.mjs';

describe('missingPackages', () => {
  it('counts only what is fully installed', () => {
    const listed = 'ii  qemu-utils\nrc  chromium\nhi  e2fsprogs\niU  mount\nun  lz4\n';
    expect(missingPackages(['qemu-utils', 'chromium', 'e2fsprogs', 'mount', 'lz4', 'tcc'], listed)).toEqual([
      'chromium',
      'mount',
      'lz4',
      'tcc',
    ]);
  });

  it('takes all as missing where dpkg-query is not there or says nothing', () => {
    expect(missingPackages(['a'], '')).toEqual(['a']);
  });
});

describe('haveCandidates', () => {
  const policy =
    'qemu-utils:\n  Installed: (none)\n  Candidate: 1:7.2\n  Version table:\nlost:\n  Installed: (none)\n  Candidate: (none)\n';

  it('asks for an update of the lists where a package is unknown or has no version', () => {
    expect(haveCandidates(['qemu-utils'], policy)).toBe(true);
    expect(haveCandidates(['qemu-utils', 'lost'], policy)).toBe(false);
    expect(haveCandidates(['other'], policy)).toBe(false);
  });
});

describe('summarize', () => {
  const report = (over) =>
    JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 1, numTodoTests: 0, testResults: [], ...over });

  it('adds files that could not be loaded and failed checks to the failures', () => {
    const broken = report({
      testResults: [
        { status: 'failed', assertionResults: [] },
        { status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    });
    expect(summarize(broken, { vitestCode: 1, failedChecks: 2 })).toEqual({ passed: 3, failed: 3, skipped: 1 });
  });

  it('never says that nothing failed when vitest says otherwise', () => {
    expect(summarize(report({}), { vitestCode: 1, failedChecks: 0 }).failed).toBe(1);
    expect(summarize(report({}), { vitestCode: 0, failedChecks: 0 }).failed).toBe(0);
  });
});

describe('conformance', () => {
  const markdown =
    '## VM: things\n| id | do | expect |\n|---|---|---|\n| VM-1 | a | b |\n| VM-2 | a | b |\n| FL-commit | a | b |\n| FL-x-y | a | b |\n';
  const report = (...tests) => ({ testResults: [{ assertionResults: tests.map(([fullName, status]) => ({ fullName, status })) }] });
  const verdicts = (...tests) => judge(rowsOf(markdown), report(...tests)).map((row) => row.verdict);

  it('reads the ids of a name, ranges too', () => {
    expect(idsIn('VM-2, RV-6..8: it does, and FL-commit-copying')).toEqual(['RV-6', 'RV-7', 'RV-8', 'VM-2', 'FL-commit-copying']);
  });

  it('passes a row by a test, fails it by one that failed, and counts no skipped one', () => {
    expect(verdicts(['VM-1: a', 'passed'], ['VM-1: b', 'failed'], ['VM-2: c', 'skipped'])).toEqual([
      'fail',
      'missing',
      'missing',
      'missing',
    ]);
  });

  it('counts an id that says more for the row that it begins with', () => {
    expect(verdicts(['FL-commit-copying', 'passed'], ['FL-x', 'passed'])).toEqual(['missing', 'missing', 'pass', 'missing']);
  });
});
