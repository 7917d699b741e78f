import type { ReactNode } from 'react';
import { classNames } from './class-names';

/** A list of names and values, one a line. */
export function Facts({ children, className }: { children: ReactNode; className?: string }) {
  return <dl className={classNames('grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5', className)}>{children}</dl>;
}

/** One name and its value. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-faint">{name}</dt>
      <dd className="figures min-w-0 text-right break-words">{children}</dd>
    </>
  );
}

/** A titled part of a page. */
export function Section({
  title,
  aside,
  children,
  className,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section aria-label={title} className={classNames('card', className)}>
      <header className="flex min-h-12 items-center gap-3 border-b border-line px-4 py-2">
        <h2 className="font-semibold">{title}</h2>
        <div className="ml-auto flex items-center gap-3 text-ink-faint">{aside}</div>
      </header>
      {children}
    </section>
  );
}
