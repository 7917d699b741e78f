import type { Metadata } from 'next';
import { OperationsPage } from '../../../operations/OperationsPage';

export const metadata: Metadata = { title: 'Operations' };

export default function OperationsRoute() {
  return <OperationsPage />;
}
