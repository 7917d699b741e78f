import type { Reader } from '../../platform/database.js';
import { CONSOLIDATE } from './delete-record.js';

/** Machines that one look brings back. */
const MOST = 50;
/** Pauses after work that failed: the first, doubled each time that it fails again, and the longest; seconds. */
const FAILED_PAUSE_S = { first: 2, longest: 600 } as const;

/**
 * Machines at rest that have garbage (layers, or what was kept of snapshots), or a layer that no snapshot pins, nobody writes and at most one
 * layer reads. `key` changes with whatever may make more possible: the machine stops, its tree changes, layers come and go. Left out is a machine
 * of which this work failed a short while ago, longer each time, until something else was done to it: every try changes layers, and would look like
 * a reason for the next.
 */
export async function dueMachines(reader: Reader): Promise<{ machineId: string; key: string }[]> {
  return reader.$queryRaw<{ machineId: string; key: string }[]>`
    SELECT m.id AS "machineId", concat_ws(':', m.power_state, m.tree_revision, count(*)) AS key
    FROM virtual_machine m
    JOIN host h ON h.id = m.host_id AND h.state = 'UP'
    JOIN volume v ON v.virtual_machine_id = m.id
    JOIN layer l ON l.volume_id = v.id
    WHERE m.state IN ('RUNNING', 'STOPPED', 'PAUSED') AND m.project_id IS NOT NULL AND m.drift IS NULL
      AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.resource = 'machine:' || m.id)
      AND NOT EXISTS (
        SELECT 1 FROM operation f WHERE f.virtual_machine_id = m.id AND f.kind = ${CONSOLIDATE} AND f.state = 'FAILED'
          AND f.finished_at > coalesce((SELECT max(o.finished_at) FROM operation o
            WHERE o.virtual_machine_id = m.id AND NOT (o.kind = ${CONSOLIDATE} AND o.state = 'FAILED')), '-infinity')
        HAVING now() < max(f.finished_at)
          + make_interval(secs => least(${FAILED_PAUSE_S.longest}, ${FAILED_PAUSE_S.first} * power(2, count(*)))))
      AND (l.state = 'DISCARDING' OR EXISTS (
          SELECT 1 FROM vm_snapshot s WHERE s.virtual_machine_id = m.id AND s.state = 'REMOVED' AND s.file_pool IS NOT NULL
            AND (s.kind = 'DISK_AND_MEMORY' OR s.has_nvram))
        OR (l.state = 'PRESENT' AND NOT l.is_template AND l.merge_state <> 'REPOINTED'
        AND NOT EXISTS (SELECT 1 FROM volume w WHERE w.head_layer_id = l.id)
        AND NOT EXISTS (SELECT 1 FROM snapshot_disk d JOIN vm_snapshot s ON s.id = d.snapshot_id WHERE d.layer_id = l.id AND s.state <> 'REMOVED')
        AND (SELECT count(*) FROM layer r WHERE r.backing_layer_id = l.id AND r.state = 'PRESENT') <= 1))
    GROUP BY m.id, m.power_state, m.tree_revision
    ORDER BY m.id LIMIT ${MOST}`;
}
