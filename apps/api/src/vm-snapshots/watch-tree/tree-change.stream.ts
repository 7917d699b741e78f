/** Watches one machine's snapshot tree. It never reads the tree itself: a client that needs all of it asks browse-tree. */
import { followVisible } from '../../access/followed-feed.js';
import type { Principal } from '../../access/principal.js';
import { scopeOf } from '../../access/scope.js';
import type { StreamPosition } from '../../events/event-feed.js';
import { resumeFrom, sayingExpired } from '../../events/resume.js';
import type { TreeChange } from '../../events/transition.js';
import type { GraphQLContext } from '../../graphql/context.js';
import { plainId } from '../../graphql/global-id.js';
import { notFound } from '../../graphql/request-errors.js';
import { abortable, type StreamItem } from '../../graphql/stream.js';
import { findMachines } from '../../machines/machine.reads.store.js';

/** The contract's SnapshotTreeChange, with plain ids. */
export type TreeChangeView = TreeChange & { at: StreamPosition };

/**
 * The subscription snapshotTreeChanged. One transition may carry several changes; all of them have its cursor, and a client that was cut
 * off between them gets them again and drops those whose revision it has. Throws NOT_FOUND, also when the machine is lost meanwhile.
 */
export async function watchTree(
  context: GraphQLContext,
  args: { virtualMachineId: string; after?: string | null },
): Promise<AsyncGenerator<StreamItem<TreeChangeView>, void, void>> {
  const { app, principal } = context;
  const machineId = plainId('VirtualMachine', args.virtualMachineId);
  const recheck = async (caller: Principal) => {
    const found = machineId === null ? [] : await findMachines(app.database, scopeOf(caller), [machineId]);
    if (found.length === 0) throw notFound('The virtual machine');
  };
  await recheck(principal);
  const after = resumeFrom(args.after, context.cursor);
  // The project is not part of the filter: only changes within the scope go out, and those of a machine that left it end the stream.
  const filterFor = () => ({ projectIds: null, virtualMachineId: machineId, subjectId: null, subjectTypes: null });
  const followed = { feed: app.feed, principalOf: app.principalOf, principal, after, filterFor, recheck };
  return abortable((signal) =>
    sayingExpired(
      (async function* () {
        for await (const batch of followVisible(followed, signal)) {
          for (const record of batch.records) {
            const at = { incarnation: batch.through.incarnation, position: record.position };
            for (const change of record.treeChanges) yield { value: { ...change, at }, principal: batch.principal };
          }
        }
      })(),
    ),
  );
}
