'use client';
import { Button } from '../ui/Button';
import { FailedState } from '../ui/Notice';

export default function ErrorRoute({ reset }: { reset: () => void }) {
  return (
    <FailedState title="This page stopped working" action={<Button onClick={reset}>Show it again</Button>}>
      It is a fault of the dashboard, not of your machines: nothing was changed by it. Show the page again; if it stops again, tell whoever
      runs Coppice.
    </FailedState>
  );
}
