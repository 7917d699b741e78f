'use client';
import { X } from 'lucide-react';
import { Dialog as Primitive } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { IconButton } from './Button';
import { classNames } from './class-names';

type DialogProps = {
  title: string;
  description?: ReactNode;
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  children: ReactNode;
  /** `sheet` slides in at the side of a narrow screen's bottom; `wide` gives room for two columns. */
  shape?: 'plain' | 'wide' | 'sheet';
};

const SHAPES = {
  plain:
    'inset-x-0 bottom-0 max-h-[92dvh] rounded-t-xl sm:inset-x-auto sm:top-[8dvh] sm:bottom-auto sm:left-1/2 sm:w-[30rem] sm:-translate-x-1/2 sm:rounded-xl sm:max-h-[84dvh]',
  wide: 'inset-x-0 bottom-0 max-h-[92dvh] rounded-t-xl sm:inset-x-4 sm:top-[6dvh] sm:bottom-auto sm:mx-auto sm:max-w-[56rem] sm:rounded-xl sm:max-h-[88dvh]',
  sheet: 'inset-x-0 bottom-0 max-h-[85dvh] rounded-t-xl',
} as const;

/** A modal dialog: focus stays inside, Escape closes, focus returns to where it was. On a narrow screen it rises from the bottom. */
export function Dialog({ isOpen, onOpenChange, ...rest }: DialogProps) {
  return (
    <Primitive.Root open={isOpen} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        {/* On the level of the panels: a second dialog darkens the first one too. */}
        <Primitive.Overlay className="fixed inset-0 z-50 animate-fade bg-black/45" />
        <Panel {...rest} />
      </Primitive.Portal>
    </Primitive.Root>
  );
}

function Panel({ title, description, children, shape = 'plain' }: Omit<DialogProps, 'isOpen' | 'onOpenChange'>) {
  // Read before anything in here can take the focus. Radix gives it back to a trigger only, and these dialogs have none.
  const [before] = useState(() => document.activeElement);
  const giveFocusBack = (event: Event) => {
    event.preventDefault();
    if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  };
  return (
    <Primitive.Content
      {...(description === undefined ? { 'aria-describedby': undefined } : {})}
      onCloseAutoFocus={giveFocusBack}
      className={classNames(
        'fixed z-50 flex animate-arrive flex-col border border-line bg-raised shadow-2xl shadow-(color:--shadow) outline-none',
        SHAPES[shape],
      )}
    >
      <header className="border-b border-line py-3.5 pr-14 pl-5">
        <Primitive.Title className="truncate text-base font-semibold">{title}</Primitive.Title>
        {description !== undefined && <Primitive.Description className="mt-0.5 text-ink-soft">{description}</Primitive.Description>}
      </header>
      {children}
      {/* Last in order, so that the focus starts at what the dialog asks, not at the way out. */}
      <Primitive.Close asChild>
        <IconButton label="Close" className="!absolute top-3 right-3.5">
          <X size={16} aria-hidden />
        </IconButton>
      </Primitive.Close>
    </Primitive.Content>
  );
}

/** The scrolling middle of a dialog. */
export function DialogBody({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={classNames('min-h-0 flex-1 overflow-y-auto px-5 py-4', className)}>{children}</div>;
}

/** The row of buttons at a dialog's end. */
export function DialogFooter({ children }: { children: ReactNode }) {
  return <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-line px-5 py-3">{children}</footer>;
}
