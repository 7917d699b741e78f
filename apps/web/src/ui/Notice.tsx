import { CircleAlert, Info, OctagonX, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { classNames } from './class-names';

const KINDS = {
  info: { look: 'border-busy/30 bg-busy-soft', ink: 'text-busy', icon: Info },
  warning: { look: 'border-warn/30 bg-warn-soft', ink: 'text-warn', icon: TriangleAlert },
  error: { look: 'border-bad/30 bg-bad-soft', ink: 'text-bad', icon: OctagonX },
} as const;

type NoticeProps = { kind: keyof typeof KINDS; title?: ReactNode; children?: ReactNode; action?: ReactNode; className?: string };

/** A sentence that must be seen: information, a warning, or what went wrong. Errors and warnings are announced. */
export function Notice({ kind, title, children, action, className }: NoticeProps) {
  const { look, ink, icon: Icon } = KINDS[kind];
  return (
    <div
      role={kind === 'info' ? 'status' : 'alert'}
      className={classNames('flex gap-2.5 rounded-lg border px-3.5 py-2.5', look, className)}
    >
      <Icon size={16} className={classNames('mt-0.5 shrink-0', ink)} aria-hidden />
      <div className="min-w-0 flex-1">
        {title !== undefined && <p className={classNames('font-semibold', ink)}>{title}</p>}
        <div className="text-ink-soft">{children}</div>
      </div>
      {action}
    </div>
  );
}

type EmptyProps = { icon: ReactNode; title: string; children?: ReactNode; action?: ReactNode };

/** What stands where nothing is yet: what belongs here and how it comes. */
export function EmptyState({ icon, title, children, action }: EmptyProps) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      <div className="flex size-11 items-center justify-center rounded-full bg-accent-soft text-accent">{icon}</div>
      <p className="text-base font-semibold">{title}</p>
      <div className="max-w-md text-ink-soft">{children}</div>
      {action !== undefined && <div className="mt-2">{action}</div>}
    </div>
  );
}

/** What stands where something could not be shown. */
export function FailedState({ title, children, action }: Omit<EmptyProps, 'icon'>) {
  return (
    <div role="alert" className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      <div className="flex size-11 items-center justify-center rounded-full bg-bad-soft text-bad">
        <CircleAlert size={20} aria-hidden />
      </div>
      <p className="text-base font-semibold">{title}</p>
      <div className="max-w-md text-ink-soft">{children}</div>
      {action !== undefined && <div className="mt-2">{action}</div>}
    </div>
  );
}
