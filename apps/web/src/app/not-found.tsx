import Link from 'next/link';
import { FailedState } from '../ui/Notice';

export default function NotFoundRoute() {
  return (
    <FailedState
      title="There is no such page"
      action={
        <Link href="/machines" className="font-medium text-accent underline">
          Go to the machines
        </Link>
      }
    >
      The address may be mistyped, or what it named is gone.
    </FailedState>
  );
}
