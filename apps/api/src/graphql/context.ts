import type { AccessScope, Principal } from '../access/principal.js';
import { scopeOf } from '../access/scope.js';
import { encodeCursor } from '../events/event-feed.js';
import type { Application } from './application.js';
import { createLoaders, type Loaders } from './loaders.js';

/** What every resolver gets: one per answer. A subscription makes one for every event. */
export type GraphQLContext = {
  readonly app: Application;
  readonly principal: Principal;
  readonly scope: AccessScope;
  /** Place in the stream, taken before anything else was read for this answer: not later than any data in it. */
  readonly cursor: string;
  readonly loaders: Loaders;
  /** After a mutation: what was loaded before it is forgotten. */
  renew(): void;
};

/** Makes the context of one answer; reads the stream's head first of all. */
export async function createContext(app: Application, principal: Principal): Promise<GraphQLContext> {
  const cursor = encodeCursor(await app.feed.head());
  let loaders = createLoaders(app, principal);
  return {
    app,
    principal,
    scope: scopeOf(principal),
    cursor,
    get loaders() {
      return loaders;
    },
    renew() {
      loaders = createLoaders(app, principal);
    },
  };
}
