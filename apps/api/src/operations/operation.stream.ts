/** Follows operations while they work: newest only, at most four messages a second for each. */
import { followVisible, type VisibleBatch } from '../access/followed-feed.js';
import type { Principal } from '../access/principal.js';
import { scopeOf } from '../access/scope.js';
import { resumeFrom, sayingExpired } from '../events/resume.js';
import type { GraphQLContext } from '../graphql/context.js';
import { abortable, type StreamItem } from '../graphql/stream.js';
import { DirtySet } from './dirty-set.js';
import type { OperationFilter } from './operation.input.js';
import { findOperations, matchesOperation, type OperationRecord, pageOperations } from './operation.reads.store.js';
import { operationFilter } from './operation.resolver.js';

/** The contract: at most four a second per operation. */
const SHORTEST_PAUSE_MS = 250;
/** Operations that are sent as they are when the stream begins: a page. Later ones come with their first change. */
const MAX_AT_START = 100;

const ENDED: ReadonlySet<string> = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);

type Item = StreamItem<OperationRecord>;

/**
 * The subscription operationProgress. An operation that was sent once is followed to its end, also where the filter asks for states
 * that it leaves. What is sent is read after the transition or progress that told of it, so it is never behind.
 */
export function watchOperations(context: GraphQLContext, filter: OperationFilter): AsyncGenerator<Item, void, void> {
  const wanted = operationFilter(filter);
  return abortable((signal) => sayingExpired(operationItems(context, wanted, signal)));
}

async function* operationItems(
  context: GraphQLContext,
  wanted: ReturnType<typeof operationFilter>,
  signal: AbortSignal,
): AsyncGenerator<Item, void, void> {
  const { app, scope } = context;
  let principal = context.principal;
  const known = new Set<string>();
  using dirty = new DirtySet(SHORTEST_PAUSE_MS, signal);
  const stop = app.progress.subscribe((news) => {
    if (known.has(news.operationId)) dirty.add(news.operationId);
  });
  const following = follow(context, signal, (batch) => {
    principal = batch.principal;
    for (const record of batch.records) dirty.add(record.subjectId);
  });
  following.then(
    () => dirty.end(null),
    (error: unknown) => dirty.end(error),
  );
  try {
    const start = await pageOperations(app.database, { scope, filter: wanted, page: { take: MAX_AT_START, after: null } });
    for (const operation of start.rows.slice(0, MAX_AT_START).toReversed()) {
      known.add(operation.id);
      dirty.sent(operation.id);
      yield { value: operation, principal };
    }
    for (let ids = await dirty.next(); ids !== null; ids = await dirty.next()) {
      for (const value of await readWanted(context, principal, ids)) {
        if (!known.has(value.id) && !matchesOperation(wanted, value)) continue;
        if (ENDED.has(value.state)) known.delete(value.id);
        else known.add(value.id);
        dirty.sent(value.id);
        yield { value, principal };
      }
    }
  } finally {
    stop();
  }
}

function readWanted(context: GraphQLContext, principal: Principal, ids: readonly string[]): Promise<OperationRecord[]> {
  return findOperations(context.app.database, scopeOf(principal), ids);
}

async function follow(context: GraphQLContext, signal: AbortSignal, heard: (batch: VisibleBatch) => void): Promise<void> {
  const { app, principal } = context;
  const after = resumeFrom(null, context.cursor);
  const filterFor = (scope: { isAdmin: boolean; projectIds: ReadonlySet<string> }) => ({
    projectIds: scope.isAdmin ? null : [...scope.projectIds],
    virtualMachineId: null,
    subjectId: null,
    subjectTypes: ['OPERATION'],
  });
  const followed = { feed: app.feed, principalOf: app.principalOf, principal, after, filterFor };
  for await (const batch of followVisible(followed, signal)) heard(batch);
}
