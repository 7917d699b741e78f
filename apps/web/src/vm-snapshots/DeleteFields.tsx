'use client';
import { Lock } from 'lucide-react';
import type { SnapshotTreeView } from '../machines/use-live-machine';
import { listNames } from '../operations/plan-words';
import { AmountField, Choice } from '../ui/Field';
import { formatBytes, formatCount } from '../ui/format';
import { Notice } from '../ui/Notice';
import { type DeleteSubject, type DeleteWish, isSizeUnit, namedNodes } from './delete-wish';
import { sayAftermath } from './delete-words';
import { descendantsOf } from './tree-selection';

type FieldsProps = {
  tree: SnapshotTreeView;
  subject: DeleteSubject;
  wish: DeleteWish;
  onChange: (wish: DeleteWish) => void;
  amountError: string | undefined;
};

/** Which snapshots are to go, and how far. */
export function DeleteFields({ tree, subject, wish, onChange, amountError }: FieldsProps) {
  if (subject.kind === 'free') {
    return (
      <AmountField
        label="How much"
        hint="Coppice finds the snapshots that free so much for the least work. Locked ones are left alone."
        amount={wish.amount}
        unit={wish.unit}
        units={['MiB', 'GiB', 'TiB']}
        onAmountChange={(amount) => onChange({ ...wish, amount })}
        onUnitChange={(unit) => isSizeUnit(unit) && onChange({ ...wish, unit })}
        error={amountError}
      />
    );
  }
  const below = subject.kind === 'chosen' ? descendantsOf(tree.nodes, subject.ids) : new Set<string>();
  const isBelowOnly = (id: string) => subject.kind === 'chosen' && !subject.ids.includes(id);
  const belowCount = [...below].filter(isBelowOnly).length;
  return (
    <>
      {belowCount > 0 && (
        <Choice
          label={`Also ${formatCount(belowCount, 'snapshot')} that grew from ${subject.kind === 'chosen' && subject.ids.length > 1 ? 'these' : 'it'}`}
          checked={wish.withDescendants}
          onChange={(event) => onChange({ ...wish, withDescendants: event.target.checked })}
        />
      )}
      <Locked tree={tree} subject={subject} wish={wish} onChange={onChange} />
      <Named tree={tree} subject={subject} wish={wish} />
      <Aftermath tree={tree} subject={subject} wish={wish} />
    </>
  );
}

type PartProps = Pick<FieldsProps, 'tree' | 'subject' | 'wish'>;

/** Locked ones cannot go: they are named before anyone tries, with a way to go on without them. */
function Locked({ tree, subject, wish, onChange }: PartProps & Pick<FieldsProps, 'onChange'>) {
  const named = namedNodes(tree.nodes, subject, { ...wish, leavesLocked: false });
  const locked = named.filter((node) => node.locked);
  if (locked.length === 0) return null;
  const isOnlyOne = named.length === 1;
  return (
    <Notice
      kind="warning"
      title={isOnlyOne ? 'It is locked' : locked.length === 1 ? 'One of them is locked' : `${locked.length} of them are locked`}
    >
      <p>
        {listNames(locked.map(({ name }) => name))} cannot be deleted until {locked.length === 1 ? 'it is' : 'they are'} unlocked.
      </p>
      {!isOnlyOne && (
        <div className="mt-1.5">
          <Choice
            label="Leave out what is locked"
            checked={wish.leavesLocked}
            onChange={(event) => onChange({ ...wish, leavesLocked: event.target.checked })}
          />
        </div>
      )}
    </Notice>
  );
}

/** So many names are shown; of more the list scrolls. */
function Named({ tree, subject, wish }: PartProps) {
  const named = namedNodes(tree.nodes, subject, wish);
  if (named.length < 2) return null;
  return (
    <section aria-label="What will be deleted" className="space-y-1.5">
      <h3 className="font-medium">{formatCount(named.length, 'snapshot')}</h3>
      <ul className="max-h-44 divide-y divide-line overflow-y-auto rounded-md border border-line">
        {named.map((node) => (
          <li key={node.id} className="flex items-center gap-2 px-2.5 py-1.5">
            <span className="min-w-0 flex-1 truncate">{node.name}</span>
            {node.locked && <Lock size={12} aria-label="Locked" className="shrink-0 text-warn" />}
            <span className="figures text-[12.5px] text-ink-faint">{formatBytes(node.space.exclusiveBytes)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Aftermath({ tree, subject, wish }: PartProps) {
  const named = namedNodes(tree.nodes, subject, wish);
  const sentences = sayAftermath(tree, new Set(named.map(({ id }) => id)));
  return (
    <section aria-label="What becomes of the tree" className="space-y-1 text-ink-soft">
      {sentences.length === 0 ? <p>Nothing else in the tree moves.</p> : sentences.map((sentence) => <p key={sentence}>{sentence}</p>)}
    </section>
  );
}
