'use client';
import { OperationList } from './OperationList';

/** All long work that the visitor may see. */
export function OperationsPage() {
  return (
    <div className="space-y-4">
      <h1 className="text-xl font-semibold tracking-tight">Operations</h1>
      <div className="card overflow-hidden">
        <OperationList />
      </div>
    </div>
  );
}
