import { formatBytes } from '../ui/format';

type Space = { exclusiveBytes: number; sharedBytes: number; retainedBytes: number };

const PARTS = [
  { key: 'exclusiveBytes', name: 'Freed by deleting it alone', look: 'bg-accent' },
  { key: 'sharedBytes', name: 'Shared with others', look: 'bg-busy/60' },
  { key: 'retainedBytes', name: 'Retained for branches', look: 'bg-warn/70' },
] as const;

/** The space of one snapshot: a bar for the eye, and each part with its figure. */
export function SpaceBar({ space }: { space: Space }) {
  const parts = PARTS.filter(({ key }) => key !== 'retainedBytes' || space[key] > 0);
  const sum = space.exclusiveBytes + space.sharedBytes + space.retainedBytes;
  return (
    <div className="space-y-2">
      <div aria-hidden className="flex h-1.5 gap-px overflow-hidden rounded-full bg-line">
        {sum > 0 && parts.map(({ key, look }) => <div key={key} className={look} style={{ width: `${(space[key] / sum) * 100}%` }} />)}
      </div>
      <dl className="space-y-1">
        {parts.map(({ key, name, look }) => (
          <div key={key} className="flex items-center gap-2">
            <span aria-hidden className={`size-2 rounded-full ${look}`} />
            <dt className="min-w-0 flex-1 text-ink-soft">{name}</dt>
            <dd className="figures">{formatBytes(space[key])}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
