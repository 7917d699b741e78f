import type { MachineView } from './use-live-machine';

type Findings = NonNullable<MachineView['drift']>['findings'];

/** What differs between host and record, one a line. */
export function DriftFindings({ findings, showsRepair = false }: { findings: Findings; showsRepair?: boolean }) {
  return (
    <ul aria-label="Findings" className="list-disc space-y-1 pl-4">
      {findings.map((finding) => (
        <li key={`${finding.code}-${finding.volume?.id ?? ''}-${finding.message}`}>
          {finding.volume?.target && <span className="mr-1.5 font-mono text-[12.5px] font-medium">{finding.volume.target}</span>}
          {finding.message}
          {finding.path && <code className="ml-1 font-mono text-[12px] break-all">{finding.path}</code>}
          {showsRepair && !finding.repairable && <span className="block text-[12.5px] text-warn">Cannot be repaired from here.</span>}
        </li>
      ))}
    </ul>
  );
}
