import { cookies, headers } from 'next/headers';
import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { AppShell } from '../../access/AppShell';
import { SESSION_COOKIE, signInPath } from '../../access/session';
import { readTheme } from '../../ui/theme';

/** Without any session the visitor goes to the sign-in page at once; whether a session is still good, only the API knows (AppShell asks it). */
export default async function SignedInLayout({ children }: { children: ReactNode }) {
  const jar = await cookies();
  if (!jar.has(SESSION_COOKIE)) redirect(signInPath((await headers()).get('x-coppice-path') ?? '/'));
  return <AppShell theme={readTheme(jar)}>{children}</AppShell>;
}
