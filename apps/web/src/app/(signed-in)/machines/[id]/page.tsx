import type { Metadata } from 'next';
import { MachinePage } from '../../../../machines/MachinePage';

export const metadata: Metadata = { title: 'Machine' };

export default async function MachineRoute({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <MachinePage id={decodeURIComponent(id)} />;
}
