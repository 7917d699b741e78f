'use client';
import { type Client, createClient, fetchExchange } from '@urql/core';
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { Provider as UrqlProvider } from 'urql';
import { createLiveConnection, type LiveConnection, type LiveStatus } from './live-connection';

/** How long a query or mutation may take, in ms; then it counts as unanswered. */
const REQUEST_MS = 30_000;

const LiveContext = createContext<LiveConnection | null>(null);

function newClient(): Client {
  return createClient({
    url: '/graphql',
    // No document cache: what is shown is kept up to date by events, and a cached answer would be an old one.
    exchanges: [fetchExchange],
    preferGetMethod: false,
    // urql's own signal is left out: it aborts every request once its answer is there, which Chromium reports as an uncaught AbortError.
    fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(REQUEST_MS) }),
  });
}

/** Queries and mutations over HTTP. */
export function ApiProvider({ children }: { children: ReactNode }) {
  const [client] = useState(newClient);
  return <UrqlProvider value={client}>{children}</UrqlProvider>;
}

function newLiveConnection(): LiveConnection {
  return createLiveConnection(() => `${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}/graphql`);
}

/** Subscriptions over one WebSocket; mounted in the browser once somebody is signed in. `onRefused`: the session is not valid any more. */
export function LiveProvider({ children, onRefused }: { children: ReactNode; onRefused: () => void }) {
  const [live] = useState(newLiveConnection);
  useEffect(
    () =>
      live.onStatus(() => {
        if (live.status() === 'refused') onRefused();
      }),
    [live, onRefused],
  );
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

/** The live connection; null outside LiveProvider. */
export function useLive(): LiveConnection | null {
  return useContext(LiveContext);
}

const never = () => () => undefined;

/** The state of the live connection, for the indicator. */
export function useLiveStatus(): LiveStatus {
  const live = useLive();
  return useSyncExternalStore(
    live?.onStatus ?? never,
    () => live?.status() ?? 'connecting',
    () => 'connecting',
  );
}
