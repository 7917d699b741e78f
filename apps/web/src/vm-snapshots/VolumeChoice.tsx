'use client';
import type { VolumeRowFragment } from '../../generated/graphql';
import { Choice } from '../ui/Field';
import { formatBytes } from '../ui/format';

type VolumeChoiceProps = {
  volumes: readonly VolumeRowFragment[];
  /** Null: all. */
  chosenIds: readonly string[] | null;
  onChange: (ids: string[] | null) => void;
  error: string | undefined;
};

/** All volumes, or some of them. */
export function VolumeChoice({ volumes, chosenIds, onChange, error }: VolumeChoiceProps) {
  const toggle = (id: string, isChosen: boolean) => {
    const others = (chosenIds ?? []).filter((each) => each !== id);
    onChange(isChosen ? [...others, id] : others);
  };
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 font-medium">Volumes</legend>
      <Choice
        type="radio"
        name="volumes"
        label={`All volumes (${volumes.length})`}
        checked={chosenIds === null}
        onChange={() => onChange(null)}
      />
      <Choice
        type="radio"
        name="volumes"
        label="Only some"
        checked={chosenIds !== null}
        onChange={() => onChange(volumes.map(({ id }) => id))}
        unavailableBecause={volumes.length < 2 ? 'The machine has one volume only.' : undefined}
        error={error}
      />
      {chosenIds !== null && (
        <div className="ml-6.5 space-y-1.5 border-l-2 border-line pl-3">
          {volumes.map((volume) => (
            <Choice
              key={volume.id}
              label={
                <span className="flex flex-wrap items-baseline gap-x-2">
                  <span className="font-mono text-[13px]">{volume.target}</span>
                  <span className="text-ink-soft">{volume.name}</span>
                  <span className="figures text-ink-faint">{formatBytes(volume.virtualBytes)}</span>
                </span>
              }
              checked={chosenIds.includes(volume.id)}
              onChange={(event) => toggle(volume.id, event.target.checked)}
              unavailableBecause={volume.pool.supportsSnapshots ? undefined : `The pool ${volume.pool.name} cannot do snapshots.`}
            />
          ))}
        </div>
      )}
    </fieldset>
  );
}
