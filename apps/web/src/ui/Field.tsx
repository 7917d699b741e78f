'use client';
import { type ComponentProps, type ReactNode, useId } from 'react';
import { classNames } from './class-names';

const BOX =
  'w-full rounded-md border bg-surface px-2.5 text-ink placeholder:text-ink-faint outline-none focus-visible:outline-2 focus-visible:outline-offset-0 focus-visible:outline-accent';

type FieldProps = { label: string; hint?: ReactNode; error?: string | undefined };

/** A labelled line of text; an error is tied to it and read with it. */
export function TextField({ label, hint, error, className, ...rest }: FieldProps & ComponentProps<'input'>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <input
        {...rest}
        id={id}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={`${id}-note`}
        className={classNames(BOX, 'h-9', error === undefined ? 'border-line-strong' : 'border-bad', className)}
      />
    </Labelled>
  );
}

/** A labelled box for several lines. */
export function TextAreaField({ label, hint, error, className, ...rest }: FieldProps & ComponentProps<'textarea'>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <textarea
        {...rest}
        id={id}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={`${id}-note`}
        className={classNames(BOX, 'min-h-16 py-1.5', error === undefined ? 'border-line-strong' : 'border-bad', className)}
      />
    </Labelled>
  );
}

type AmountProps = FieldProps & {
  amount: string;
  unit: string;
  units: readonly string[];
  onAmountChange: (amount: string) => void;
  onUnitChange: (unit: string) => void;
};

/** A number with its unit beside it. */
export function AmountField({ label, hint, error, amount, unit, units, onAmountChange, onUnitChange }: AmountProps) {
  const id = useId();
  const look = error === undefined ? 'border-line-strong' : 'border-bad';
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <div className="flex gap-2">
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          value={amount}
          onChange={(event) => onAmountChange(event.target.value)}
          aria-invalid={error !== undefined || undefined}
          aria-describedby={`${id}-note`}
          className={classNames(BOX, 'figures h-9', look)}
        />
        {units.length > 1 ? (
          <select
            aria-label="Unit"
            value={unit}
            onChange={(event) => onUnitChange(event.target.value)}
            className={classNames(BOX, 'h-9 !w-24 shrink-0', look)}
          >
            {units.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        ) : (
          <span className="flex h-9 shrink-0 items-center text-ink-soft">{unit}</span>
        )}
      </div>
    </Labelled>
  );
}

function Labelled({ id, label, hint, error, children }: FieldProps & { id: string; children: ReactNode }) {
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block font-medium">
        {label}
      </label>
      {children}
      <p id={`${id}-note`} className={classNames('text-[12.5px]', error === undefined ? 'text-ink-faint' : 'font-medium text-bad')}>
        {error ?? hint}
      </p>
    </div>
  );
}

type ChoiceProps = Omit<ComponentProps<'input'>, 'type'> & {
  label: ReactNode;
  note?: ReactNode;
  type?: 'checkbox' | 'radio';
  unavailableBecause?: string | undefined;
  error?: string | undefined;
};

/** A checkbox or radio button with its words beside it; where it cannot be chosen it says why. */
export function Choice({ label, note, unavailableBecause, error, type = 'checkbox', ...rest }: ChoiceProps) {
  const id = useId();
  const isOff = unavailableBecause !== undefined;
  return (
    <div className="flex gap-2.5">
      <input
        {...rest}
        id={id}
        type={type}
        disabled={isOff || rest.disabled}
        aria-describedby={`${id}-note`}
        className="mt-0.5 size-4 shrink-0 accent-(--accent) disabled:cursor-not-allowed"
      />
      <div className="min-w-0">
        <label htmlFor={id} className={classNames('block', isOff ? 'text-ink-faint' : 'text-ink')}>
          {label}
        </label>
        <div id={`${id}-note`} className="text-[12.5px] text-ink-faint">
          {note}
          {isOff && <p className="text-warn">{unavailableBecause}</p>}
          {error !== undefined && <p className="font-medium text-bad">{error}</p>}
        </div>
      </div>
    </div>
  );
}
