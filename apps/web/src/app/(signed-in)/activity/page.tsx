import type { Metadata } from 'next';
import { ActivityPage } from '../../../operations/ActivityPage';

export const metadata: Metadata = { title: 'Activity' };

export default function ActivityRoute() {
  return <ActivityPage />;
}
