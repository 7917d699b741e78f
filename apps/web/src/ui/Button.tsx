'use client';
import type { ComponentProps, ReactNode } from 'react';
import { classNames } from './class-names';
import { Explained } from './Explained';

const LOOKS = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong border-transparent shadow-sm',
  plain: 'bg-surface text-ink hover:bg-sunken border-line-strong',
  quiet: 'bg-transparent text-ink-soft hover:bg-sunken hover:text-ink border-transparent',
  danger: 'bg-bad text-on-bad hover:bg-bad-strong border-transparent shadow-sm',
} as const;

/** How loud a button is; `danger` takes something away that does not come back. */
export type ButtonLook = keyof typeof LOOKS;

type ButtonProps = Omit<ComponentProps<'button'>, 'disabled'> & {
  look?: ButtonLook;
  icon?: ReactNode;
  /** Why it cannot be pressed now. It stays reachable by keyboard, so that the reason can be read. */
  unavailableBecause?: string | undefined;
  isBusy?: boolean;
};

/** A button that, where it cannot be used, says why instead of falling silent. */
export function Button({ look = 'plain', icon, unavailableBecause, isBusy, children, className, onClick, ...rest }: ButtonProps) {
  const isUnavailable = unavailableBecause !== undefined;
  const isOff = isUnavailable || isBusy === true;
  return (
    <Explained reason={unavailableBecause}>
      {({ 'aria-describedby': describedBy, onClickWhileOff }) => (
        <button
          type="button"
          {...rest}
          aria-disabled={isOff || undefined}
          aria-busy={isBusy || undefined}
          aria-describedby={describedBy ?? rest['aria-describedby']}
          onClick={isUnavailable ? onClickWhileOff : isBusy ? (event) => event.preventDefault() : onClick}
          className={classNames(
            'inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border px-3 font-medium whitespace-nowrap',
            isOff ? 'cursor-not-allowed border-line bg-sunken text-ink-faint' : LOOKS[look],
            className,
          )}
        >
          {icon}
          {children}
        </button>
      )}
    </Explained>
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
