import { followVisible } from '../access/followed-feed.js';
import type { AccessScope } from '../access/principal.js';
import type { GraphQLContext } from '../graphql/context.js';
import { filterList } from '../graphql/filter-text.js';
import { filterId, fromGlobalId, NOBODY } from '../graphql/global-id.js';
import { abortable, type StreamItem } from '../graphql/stream.js';
import { encodeCursor, type FeedFilter } from './event-feed.js';
import { resumeFrom, sayingExpired } from './resume.js';
import type { TransitionFilter } from './state-transition.input.js';
import type { TransitionRecord } from './transition.js';

/** A transition with the incarnation that its cursor needs. */
export type TransitionView = TransitionRecord & { incarnation: string };
/** The contract's StateTransitionEvent. */
export type TransitionEvent = { cursor: string; event: TransitionView | null };

/** The filter with plain ids, within a scope; a project that the caller may not read matches nothing. */
export function transitionFilter(scope: AccessScope, filter: TransitionFilter | null | undefined): FeedFilter {
  const projectId = filterId('Project', filter?.projectId);
  const readable = scope.isAdmin ? null : [...scope.projectIds];
  const chosen = projectId === null ? readable : readable === null || readable.includes(projectId) ? [projectId] : [];
  return {
    projectIds: chosen,
    virtualMachineId: filterId('VirtualMachine', filter?.virtualMachineId),
    subjectId: filter?.subjectId ? (fromGlobalId(filter.subjectId)?.id ?? NOBODY) : null,
    subjectTypes: filterList('subjectTypes', filter?.subjectTypes),
  };
}

/** The subscription stateTransitions: everything later than the cursor, then live; a bookmark where a look found nothing. */
export function watchTransitions(
  context: GraphQLContext,
  args: { filter?: TransitionFilter | null; after?: string | null },
): AsyncGenerator<StreamItem<TransitionEvent>, void, void> {
  const { app, principal } = context;
  const after = resumeFrom(args.after, context.cursor);
  const filterFor = (scope: AccessScope) => transitionFilter(scope, args.filter);
  filterFor(context.scope);
  return abortable((signal) =>
    sayingExpired(
      (async function* () {
        const followed = { feed: app.feed, principalOf: app.principalOf, principal, after, filterFor };
        for await (const batch of followVisible(followed, signal)) {
          const { incarnation } = batch.through;
          for (const record of batch.records) {
            const cursor = encodeCursor({ incarnation, position: record.position });
            yield { value: { cursor, event: { ...record, incarnation } }, principal: batch.principal };
          }
          if (batch.records.length === 0) yield { value: { cursor: encodeCursor(batch.through), event: null }, principal: batch.principal };
        }
      })(),
    ),
  );
}
