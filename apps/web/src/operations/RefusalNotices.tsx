import type { UserErrorViewFragment } from '../../generated/graphql';
import { formatBytes } from '../ui/format';
import { Notice } from '../ui/Notice';
import { sayOperationKind } from './operation-words';

/** Refusals that belong to no single field: what is wrong in words, and what its kind adds. */
export function RefusalNotices({ errors }: { errors: readonly UserErrorViewFragment[] }) {
  return errors.map((error) => (
    <Notice key={`${error.code}-${error.message}`} kind="error" title={error.message}>
      <Addition error={error} />
    </Notice>
  ));
}

function Addition({ error }: { error: UserErrorViewFragment }) {
  switch (error.__typename) {
    case 'MachineBusy': {
      const { operation } = error;
      const name = operation.subject?.__typename === 'VmSnapshot' ? ` “${operation.subject.name}”` : '';
      return (
        <p>
          Running now: {sayOperationKind(operation.kind)}
          {name}, started by {operation.startedBy.name}
          {operation.phase ? ` (${operation.phase})` : ''}.
        </p>
      );
    }
    case 'InsufficientSpace':
      return (
        <p className="figures">
          {formatBytes(error.neededBytes)} are needed, {formatBytes(error.availableBytes)} are free.
        </p>
      );
    case 'QuotaExceeded':
      return (
        <p className="figures">
          {error.used} of {error.limit} are used.
        </p>
      );
    default:
      return null;
  }
}
