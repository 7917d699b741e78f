import type { MachineView } from './use-live-machine';

type Findings = NonNullable<MachineView['drift']>['findings'];

/** What differs between host and record, one a line. */
export function DriftFindings({ findings, showsRepair = false }: { findings: Findings; showsRepair?: boolean }) {
  return (
    <ul aria-label="Findings" className="list-disc space-y-1 pl-4">
      {findings.map((finding) => (
        <li key={`${finding.code}-${finding.volume?.id ?? ''}-${finding.message}`}>
          {finding.volume?.target && !finding.message.includes(finding.volume.target) && (
            <span className="mr-1.5 font-mono text-[12.5px] font-medium">{finding.volume.target}</span>
          )}
          {finding.message}
          {finding.path && (
            <details className="text-[12.5px]">
              <summary className="w-fit rounded text-ink-faint">Files</summary>
              <code className="block font-mono text-[11.5px] leading-relaxed break-words">{finding.path}</code>
            </details>
          )}
          {showsRepair && !finding.repairable && <span className="block text-[12.5px] text-warn">Cannot be repaired from here.</span>}
        </li>
      ))}
    </ul>
  );
}
