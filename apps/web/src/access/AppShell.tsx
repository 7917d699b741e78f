'use client';
import { useRouter } from 'next/navigation';
import { createContext, type ReactNode, useCallback, useContext, useEffect } from 'react';
import type { AppShell_LoadViewerQuery } from '../../generated/graphql';
import { LiveProvider } from '../graphql/ApiProvider';
import { useLoad } from '../graphql/use-load';
import { Button } from '../ui/Button';
import { Logo } from '../ui/Logo';
import { FailedState, Notice } from '../ui/Notice';
import { SkeletonRows } from '../ui/Skeleton';
import type { Theme } from '../ui/theme';
import { loadViewer } from './access.graphql';
import { signInPath } from './session';
import { TopBar } from './TopBar';

type Viewer = AppShell_LoadViewerQuery['viewer'];
const ViewerContext = createContext<Viewer | null>(null);

/** Who is signed in; only inside AppShell. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (viewer === null) throw new Error('useViewer was called outside AppShell');
  return viewer;
}

/** What every page has around it. Pages appear once it is known who asks; without a session it leads to the sign-in page. */
export function AppShell({ theme, children }: { theme: Theme; children: ReactNode }) {
  const router = useRouter();
  const { data, problem, reload } = useLoad({ document: loadViewer, variables: {} });
  const leave = useCallback(() => {
    router.replace(signInPath(`${window.location.pathname}${window.location.search}`));
  }, [router]);
  const isSignedOut = problem?.kind === 'signed-out';
  useEffect(() => {
    if (isSignedOut) leave();
  }, [isSignedOut, leave]);

  if (data && !isSignedOut) {
    return (
      <ViewerContext.Provider value={data.viewer}>
        <LiveProvider onRefused={leave}>
          <TopBar theme={theme} viewer={data.viewer} />
          <main id="content" className="mx-auto w-full max-w-[88rem] px-4 py-5 sm:px-6">
            {children}
          </main>
        </LiveProvider>
      </ViewerContext.Provider>
    );
  }
  if (problem?.kind === 'failed') {
    return (
      <Frame>
        <FailedState title="Who you are could not be read" action={<Button onClick={reload}>Try again</Button>}>
          {problem.message}
        </FailedState>
      </Frame>
    );
  }
  return (
    <Frame>
      {problem?.kind === 'unreachable' && (
        <Notice kind="warning" title="Connection lost, trying again">
          The API does not answer. This page goes on by itself as soon as it does.
        </Notice>
      )}
      <div className="card">
        <SkeletonRows label="Loading" rows={5} />
      </div>
    </Frame>
  );
}

/** The page's frame before it is known who asks. */
function Frame({ children }: { children: ReactNode }) {
  return (
    <>
      <header className="border-b border-line bg-surface">
        <div className="mx-auto flex h-14 max-w-[88rem] items-center gap-2.5 px-4 font-semibold sm:px-6">
          <Logo />
          Coppice
        </div>
      </header>
      <main id="content" className="mx-auto w-full max-w-[88rem] space-y-4 px-4 py-5 sm:px-6">
        {children}
      </main>
    </>
  );
}
