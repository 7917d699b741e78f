'use client';
import { ActivityFeed } from './ActivityFeed';

/** Everything that changed its state, newest first, as it happens. */
export function ActivityPage() {
  return (
    <div className="space-y-4">
      <h1 className="text-xl font-semibold tracking-tight">Activity</h1>
      <div className="card overflow-hidden">
        <ActivityFeed />
      </div>
    </div>
  );
}
