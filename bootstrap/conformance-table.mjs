/** Pure: the rows of docs/conformance.md with pass, fail or missing each, from the JSON report of a vitest run. */

const ROW = /^\| ([A-Z]{2}-[A-Za-z0-9-]+) \| (.*) \| (.*) \|$/;
const ID = /\b[A-Z]{2}-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*/g;
const RANGE = /\b([A-Z]{2})-(\d+)\.\.(\d+)\b/g;

/** Rows in order: [{ section, id, what }]. */
export function rowsOf(markdown) {
  const rows = [];
  let section = '';
  for (const line of markdown.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    const [, id, what] = ROW.exec(line) ?? [];
    if (id) rows.push({ section, id, what });
  }
  return rows;
}

/** The ids that a test's full name carries; `VM-6..9` means four. */
export function idsIn(name) {
  const ranged = [...name.matchAll(RANGE)].flatMap(([, letters, from, to]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => `${letters}-${Number(from) + at}`),
  );
  return [...new Set([...ranged, ...(name.replace(RANGE, ' ').match(ID) ?? [])])];
}

/** Each row with its verdict and how many tests said so. Fails where one test failed, is missing where none passed. */
export function judge(rows, report) {
  const known = new Set(rows.map((row) => row.id));
  const counts = new Map(rows.map((row) => [row.id, { passed: 0, failed: 0 }]));
  for (const test of report.testResults.flatMap((file) => file.assertionResults)) {
    if (test.status !== 'passed' && test.status !== 'failed') continue;
    for (const row of new Set(idsIn(test.fullName).map((id) => rowOfId(id, known)))) {
      const count = counts.get(row);
      if (count) count[test.status] += 1;
    }
  }
  return rows.map((row) => {
    const { passed, failed } = counts.get(row.id);
    return { ...row, passed, failed, verdict: failed > 0 ? 'fail' : passed > 0 ? 'pass' : 'missing' };
  });
}

/** FL-commit-copying counts for FL-commit: the longest row that the id begins with. */
function rowOfId(id, known) {
  for (let name = id; name !== ''; name = name.slice(0, Math.max(name.lastIndexOf('-'), 0))) if (known.has(name)) return name;
  return null;
}

/** The table as text, a line per row, and the sums. */
export function printed(judged) {
  const lines = [];
  let section = '';
  for (const row of judged) {
    if (row.section !== section) lines.push('', row.section);
    section = row.section;
    const tests = row.verdict === 'missing' ? '' : ` (${row.passed + row.failed} tests)`;
    lines.push(`  ${row.verdict.padEnd(7)} ${row.id.padEnd(18)} ${row.what.slice(0, 90)}${tests}`);
  }
  const sum = (verdict) => judged.filter((row) => row.verdict === verdict).length;
  lines.push('', `${sum('pass')} pass, ${sum('fail')} fail, ${sum('missing')} missing, of ${judged.length} rows`);
  return lines.join('\n');
}
