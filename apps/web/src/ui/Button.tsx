import type { ComponentProps, ReactNode } from 'react';
import { classNames } from './class-names';

const LOOKS = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong border-transparent shadow-sm',
  plain: 'bg-surface text-ink hover:bg-sunken border-line-strong',
  quiet: 'bg-transparent text-ink-soft hover:bg-sunken hover:text-ink border-transparent',
} as const;

type ButtonProps = Omit<ComponentProps<'button'>, 'disabled'> & {
  look?: keyof typeof LOOKS;
  icon?: ReactNode;
  /** Why it cannot be pressed now. It stays reachable by keyboard, so that the reason can be read. */
  unavailableBecause?: string | undefined;
  isBusy?: boolean;
};

/** A button that, where it cannot be used, says why instead of falling silent. */
export function Button({ look = 'plain', icon, unavailableBecause, isBusy, children, className, onClick, ...rest }: ButtonProps) {
  const isOff = unavailableBecause !== undefined || isBusy === true;
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      title={unavailableBecause ?? rest.title}
      onClick={isOff ? (event) => event.preventDefault() : onClick}
      className={classNames(
        'inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border px-3 font-medium whitespace-nowrap',
        isOff ? 'cursor-not-allowed border-line bg-sunken text-ink-faint' : LOOKS[look],
        className,
      )}
    >
      {icon}
      {children}
    </button>
  );
}

/** A square button that shows an icon only; `label` names it. */
export function IconButton({ label, className, children, ...rest }: ComponentProps<'button'> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={classNames(
        'inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink',
        className,
      )}
    >
      {children}
    </button>
  );
}
