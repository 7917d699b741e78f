'use client';
import { Check, Monitor, Moon, Sun } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { useState } from 'react';
import { isTheme, type Theme, THEME_COOKIE } from './theme';

const CHOICES = [
  { theme: 'system', label: 'As the system', icon: Monitor },
  { theme: 'light', label: 'Light', icon: Sun },
  { theme: 'dark', label: 'Dark', icon: Moon },
] as const;

/** A year: a choice of looks is not asked for again. */
const KEPT_S = 31_536_000;

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  // A cookie, not local storage: the server puts it into the first byte of HTML, so no page flashes in the other colours.
  // oxlint-disable-next-line unicorn/no-document-cookie -- the Cookie Store API is not in every browser that we support
  document.cookie = `${THEME_COOKIE}=${theme}; Path=/; Max-Age=${KEPT_S}; SameSite=Lax`;
}

/** Light, dark, or as the system has it. */
export function ThemeToggle({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState<Theme>(initial);
  const Icon = CHOICES.find((choice) => choice.theme === theme)?.icon ?? Monitor;
  const choose = (value: string) => {
    if (!isTheme(value)) return;
    apply(value);
    setTheme(value);
  };
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger
        aria-label="Colours"
        title="Colours"
        className="inline-flex size-8 items-center justify-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
      >
        <Icon size={16} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          className="z-50 min-w-44 animate-arrive rounded-lg border border-line bg-raised p-1 shadow-xl"
        >
          <DropdownMenu.RadioGroup value={theme} onValueChange={choose}>
            {CHOICES.map(({ theme: value, label, icon: Each }) => (
              <DropdownMenu.RadioItem
                key={value}
                value={value}
                className="flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 outline-none data-[highlighted]:bg-sunken"
              >
                <Each size={15} aria-hidden className="text-ink-faint" />
                {label}
                <DropdownMenu.ItemIndicator className="ml-auto text-accent">
                  <Check size={14} aria-hidden />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
