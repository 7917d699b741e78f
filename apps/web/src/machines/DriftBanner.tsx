import { Notice } from '../ui/Notice';
import { TimeAgo } from '../ui/TimeAgo';
import type { MachineView } from './use-live-machine';

/** Says that the host does not have what is recorded, and what that means for the visitor. */
export function DriftBanner({ drift }: { drift: NonNullable<MachineView['drift']> }) {
  return (
    <Notice kind="warning" title="This machine is not as recorded">
      <p>
        Its host has something else than Coppice recorded, seen <TimeAgo at={drift.detectedAt} />. Nothing is changed on it until an
        administrator has reconciled it.
      </p>
      <ul className="mt-1.5 list-disc space-y-1 pl-4">
        {drift.findings.map((finding) => (
          <li key={`${finding.code}-${finding.volume?.id ?? ''}-${finding.message}`}>
            {finding.message}
            {finding.path && <code className="ml-1 font-mono text-[12px] break-all">{finding.path}</code>}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
