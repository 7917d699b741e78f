'use client';
import { DropdownMenu } from 'radix-ui';
import { type ReactElement, type ReactNode, useId, useRef } from 'react';
import { classNames } from './class-names';

/** One line of a menu. One that is off stays reachable and says why below its words. */
export type MenuItem = {
  label: string;
  icon?: ReactNode;
  isDanger?: boolean;
  unavailableBecause?: string | undefined;
  onChoose: () => void;
};

/** A button that opens a list of actions. `groups` are set apart by lines. */
export function Menu({ trigger, groups }: { trigger: ReactElement; groups: readonly (readonly MenuItem[])[] }) {
  const chosen = useRef<() => void>(undefined);
  const actOnceClosed = () => {
    const act = chosen.current;
    chosen.current = undefined;
    // After the focus is back on the trigger: a dialog that opens now gives it back there.
    if (act) requestAnimationFrame(act);
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          collisionPadding={8}
          onCloseAutoFocus={actOnceClosed}
          className="z-50 max-w-80 min-w-52 animate-arrive rounded-lg border border-line bg-raised p-1 shadow-xl shadow-(color:--shadow)"
        >
          {groups.map((items, index) => (
            <DropdownMenu.Group key={items[0]?.label ?? 'empty'} className={index > 0 ? 'mt-1 border-t border-line pt-1' : undefined}>
              {items.map((item) => (
                <Item
                  key={item.label}
                  item={item}
                  onChoose={() => {
                    chosen.current = item.onChoose;
                  }}
                />
              ))}
            </DropdownMenu.Group>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function Item({ item, onChoose }: { item: MenuItem; onChoose: () => void }) {
  const id = useId();
  const isOff = item.unavailableBecause !== undefined;
  return (
    <DropdownMenu.Item
      aria-disabled={isOff || undefined}
      aria-labelledby={`${id}-label`}
      aria-describedby={isOff ? `${id}-reason` : undefined}
      textValue={item.label}
      onSelect={isOff ? (event) => event.preventDefault() : onChoose}
      className={classNames(
        'flex gap-2.5 rounded-md px-2.5 py-1.5 outline-none data-[highlighted]:bg-sunken',
        isOff ? 'cursor-not-allowed text-ink-faint' : 'cursor-pointer',
        item.isDanger === true && !isOff && 'text-bad',
      )}
    >
      <span className={classNames('mt-0.5 shrink-0', isOff && 'opacity-60')}>{item.icon}</span>
      <span className="min-w-0">
        <span id={`${id}-label`}>{item.label}</span>
        {isOff && (
          <span id={`${id}-reason`} className="block text-[12px] leading-snug">
            {item.unavailableBecause}
          </span>
        )}
      </span>
    </DropdownMenu.Item>
  );
}
