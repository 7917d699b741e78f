'use client';
import { useState } from 'react';
import { useClient } from 'urql';
import type { UpdateVmSnapshotInput } from '../../generated/graphql';
import { toProblem } from '../graphql/problem';
import { fieldOf } from '../operations/refusals';
import { updateSnapshot } from './vm-snapshots.graphql';

type Refusal = { message: string; field: string | null };

/** Changes name, description or lock. `update` answers whether it was done; if not, `refusal` says why, and at which field. */
export function useUpdateSnapshot() {
  const client = useClient();
  const [refusal, setRefusal] = useState<Refusal>();
  const [isBusy, setBusy] = useState(false);

  async function update(input: UpdateVmSnapshotInput): Promise<boolean> {
    setBusy(true);
    const { data, error } = await client.mutation(updateSnapshot, { input }).toPromise();
    setBusy(false);
    const [first] = data?.updateVmSnapshot.errors ?? [];
    const next = first
      ? { message: first.message, field: fieldOf(first) }
      : error
        ? { message: toProblem(error).message, field: null }
        : undefined;
    setRefusal(next);
    return next === undefined;
  }

  return { update, refusal, isBusy };
}
