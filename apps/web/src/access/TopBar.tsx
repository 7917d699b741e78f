'use client';
import { LogOut, Unplug } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useState } from 'react';
import { useLiveStatus } from '../graphql/ApiProvider';
import { IconButton } from '../ui/Button';
import { classNames } from '../ui/class-names';
import { Logo } from '../ui/Logo';
import { ThemeToggle } from '../ui/ThemeToggle';
import type { Theme } from '../ui/theme';
import { signOut } from './session';

const PAGES = [
  { path: '/machines', label: 'Machines', isForAdmin: false },
  { path: '/operations', label: 'Operations', isForAdmin: false },
  { path: '/activity', label: 'Activity', isForAdmin: false },
  { path: '/hosts', label: 'Hosts', isForAdmin: true },
] as const;

type Viewer = { email: string; isAdmin: boolean; projects: { role: string; project: { id: string; name: string } }[] };

/** Name, pages, connection, colours, and the way out. */
export function TopBar({ theme, viewer }: { theme: Theme; viewer: Viewer }) {
  const pathname = usePathname();
  const pages = PAGES.filter((page) => viewer.isAdmin || !page.isForAdmin);
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-surface/95 backdrop-blur">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-accent focus:px-3 focus:py-2 focus:text-on-accent"
      >
        Skip to the content
      </a>
      <div className="mx-auto flex max-w-[88rem] flex-wrap items-center gap-x-6 px-4 sm:px-6">
        <Link href="/machines" className="flex h-13 items-center gap-2.5 rounded-md text-[15px] font-semibold tracking-tight">
          <Logo />
          Coppice
        </Link>
        <nav aria-label="Pages" className="order-last -mx-1 flex h-10 w-full items-stretch gap-1 sm:order-none sm:h-13 sm:w-auto">
          {pages.map(({ path, label }) => {
            const isHere = pathname.startsWith(path);
            return (
              <Link
                key={path}
                href={path}
                aria-current={isHere ? 'page' : undefined}
                className={classNames(
                  'flex items-center border-b-2 px-2.5',
                  isHere ? 'border-accent font-medium text-ink' : 'border-transparent text-ink-soft hover:text-ink',
                )}
              >
                {label}
              </Link>
            );
          })}
        </nav>
        <div className="ml-auto flex items-center gap-1.5">
          <ConnectionIndicator />
          <ThemeToggle initial={theme} />
          <Account viewer={viewer} />
        </div>
      </div>
    </header>
  );
}

const SAID = {
  connecting: { label: 'Connecting', dot: 'bg-warn animate-breathe', ink: 'text-ink-faint' },
  live: { label: 'Live', dot: 'bg-good', ink: 'text-ink-faint' },
  lost: { label: 'Connection lost, trying again', dot: 'bg-bad animate-breathe', ink: 'text-bad font-medium' },
  refused: { label: 'Signed out', dot: 'bg-bad', ink: 'text-bad' },
} as const;

/** Whether what is seen follows what happens. */
function ConnectionIndicator() {
  const { label, dot, ink } = SAID[useLiveStatus()];
  return (
    <div role="status" className={classNames('flex items-center gap-2 px-2 text-[12.5px]', ink)}>
      <span aria-hidden className={classNames('size-2 rounded-full', dot)} />
      <span className="max-sm:sr-only">{label}</span>
      {dot.startsWith('bg-bad') && <Unplug size={14} aria-hidden className="sm:hidden" />}
    </div>
  );
}

function Account({ viewer }: { viewer: Viewer }) {
  const [failed, setFailed] = useState(false);
  const scope = viewer.isAdmin ? 'Administrator' : viewer.projects.map(({ project }) => project.name).join(', ');
  async function leave(): Promise<void> {
    if (await signOut()) window.location.assign('/sign-in');
    else setFailed(true);
  }
  return (
    <div className="flex items-center gap-1">
      <div className="hidden text-right leading-tight md:block">
        <p className="max-w-52 truncate text-[12.5px] font-medium">{scope}</p>
        <p className="max-w-52 truncate text-[11.5px] text-ink-faint">{viewer.email}</p>
      </div>
      <IconButton label={failed ? 'Sign out (the last try got no answer)' : 'Sign out'} onClick={leave}>
        <LogOut size={16} aria-hidden className={failed ? 'text-bad' : undefined} />
      </IconButton>
    </div>
  );
}
