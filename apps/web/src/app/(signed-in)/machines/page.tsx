import type { Metadata } from 'next';
import { MachinesPage } from '../../../machines/MachinesPage';

export const metadata: Metadata = { title: 'Machines' };

export default function MachinesRoute() {
  return <MachinesPage />;
}
