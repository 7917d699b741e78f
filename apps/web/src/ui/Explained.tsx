'use client';
import { Tooltip } from 'radix-ui';
import { type MouseEvent, type ReactElement, useId, useState } from 'react';

type ExplainedProps = {
  /** The sentence; undefined: nothing to explain. */
  reason: string | undefined;
  /** Draws the one control. It takes these attributes, and passes its clicks on. */
  children: (attributes: { 'aria-describedby': string | undefined; onClickWhileOff: (event: MouseEvent) => void }) => ReactElement;
};

/** How long the pointer rests before the sentence appears, in ms. */
const DELAY_MS = 120;

/**
 * Says why a control is off: to screen readers always (as its description), to eyes while it is hovered or focused, and when it is pressed
 * all the same, which is the only way by touch.
 */
export function Explained({ reason, children }: ExplainedProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const onClickWhileOff = (event: MouseEvent) => {
    // Keeps a form from being sent and the tooltip from closing itself at the press.
    event.preventDefault();
    setOpen(true);
  };
  const isOff = reason !== undefined;
  // Nothing to explain any more: what was open must not come back by itself when the control is off again.
  if (!isOff && isOpen) setOpen(false);
  // While the sentence is shown the tooltip describes the control; both would have it read twice.
  const control = children({ 'aria-describedby': isOff && !isOpen ? id : undefined, onClickWhileOff });
  return (
    <Tooltip.Provider delayDuration={DELAY_MS}>
      <Tooltip.Root open={isOff && isOpen} onOpenChange={(next) => setOpen(next && isOff)}>
        <Tooltip.Trigger asChild>{control}</Tooltip.Trigger>
        {isOff && (
          <span id={id} hidden>
            {reason}
          </span>
        )}
        <Tooltip.Portal>
          <Tooltip.Content
            side="bottom"
            sideOffset={6}
            collisionPadding={12}
            className="z-[60] max-w-72 animate-fade rounded-md border border-line-strong bg-raised px-2.5 py-1.5 text-[12.5px] text-ink shadow-lg shadow-(color:--shadow)"
          >
            {reason}
          </Tooltip.Content>
        </Tooltip.Portal>
      </Tooltip.Root>
    </Tooltip.Provider>
  );
}
