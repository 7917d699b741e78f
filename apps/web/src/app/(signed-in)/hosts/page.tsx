import type { Metadata } from 'next';
import { HostsPage } from '../../../hosts/HostsPage';

export const metadata: Metadata = { title: 'Hosts' };

export default function HostsRoute() {
  return <HostsPage />;
}
