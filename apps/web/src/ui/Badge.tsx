import type { ReactNode } from 'react';
import { classNames } from './class-names';

/** What a badge says beside its words. `busy` breathes: something is going on. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'plain' | 'accent';

const TONES: Record<Tone, string> = {
  good: 'bg-good-soft text-good',
  busy: 'bg-busy-soft text-busy',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  accent: 'bg-accent text-on-accent',
  plain: 'bg-sunken text-ink-soft',
};

/** A word on a tinted ground. The tone never carries meaning that the word does not. */
export function Badge({ tone = 'plain', icon, children, hasDot, title }: BadgeProps) {
  return (
    <span
      title={title}
      className={classNames(
        'inline-flex h-5 shrink-0 items-center gap-1 rounded-full px-2 text-[11.5px] leading-none font-medium whitespace-nowrap',
        TONES[tone],
      )}
    >
      {hasDot && <span aria-hidden className={classNames('size-1.5 rounded-full bg-current', tone === 'busy' && 'animate-breathe')} />}
      {icon}
      {children}
    </span>
  );
}

type BadgeProps = { tone?: Tone; icon?: ReactNode; hasDot?: boolean; title?: string; children: ReactNode };
