import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';
import { ApiProvider } from '../graphql/ApiProvider';
import { readTheme } from '../ui/theme';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Coppice', template: '%s · Coppice' },
  description: 'Snapshots for virtual machines',
};
export const viewport: Viewport = { width: 'device-width', initialScale: 1, colorScheme: 'light dark' };

/** Reads a cookie, so every page is rendered per request: the script nonce of the content security policy needs that too. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" data-theme={readTheme(await cookies())}>
      <body>
        <ApiProvider>{children}</ApiProvider>
      </body>
    </html>
  );
}
