import { cookies } from 'next/headers';
import type { ReactNode } from 'react';
import { AppShell } from '../../access/AppShell';
import { readTheme } from '../../ui/theme';

export default async function SignedInLayout({ children }: { children: ReactNode }) {
  return <AppShell theme={readTheme(await cookies())}>{children}</AppShell>;
}
