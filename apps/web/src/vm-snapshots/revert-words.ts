/** What a revert means, in sentences. Pure. */
import { formatBytes } from '../ui/format';

type Tree = { nodes: ReadonlyMap<string, { name: string }>; currentId: string | null };

/** What goes with the present state: how many bytes, as its plan has measured them, and since when. */
export function sayLoss(bytesLost: number, tree: Tree): string {
  const current = tree.currentId === null ? undefined : tree.nodes.get(tree.currentId);
  const since = current === undefined ? 'no snapshot holds any of it' : `written since “${current.name}”`;
  return `No snapshot keeps it: ${formatBytes(bytesLost)}, ${since}. Keep it as a snapshot first, if you may want it back.`;
}

type Covered = { disks: readonly { target: string; volume?: { id: string } | null | undefined }[] };
type Volumes = { volumes: readonly { id: string; name: string; target?: string | null | undefined }[] };

/** What stays as it is now, where a snapshot does not cover all volumes of the machine; null where it does. */
export function saySubset(snapshot: Covered, machine: Volumes): string | null {
  const covered = new Set(snapshot.disks.flatMap((disk) => (disk.volume ? [disk.volume.id] : [])));
  const others = machine.volumes.filter(({ id }) => !covered.has(id)).map(({ target, name }) => target ?? name);
  if (others.length === 0) return null;
  return `The snapshot holds ${snapshot.disks.map(({ target }) => target).join(', ')} only. ${others.join(', ')} will stay as now.`;
}
