/** Whether a host can take a machine over, as far as the dashboard knows. Pure. */
import type { HostState } from '../../generated/graphql';

const WHY: Record<Exclude<HostState, 'UP'>, string> = {
  ENROLLED: 'Its agent was never seen.',
  DISCONNECTED: 'Its agent is not connected.',
  MAINTENANCE: 'It is in maintenance.',
  REVOKED: 'It was revoked.',
};

type Target = { id: string; state?: HostState | null | undefined };

/** Why a machine cannot go to a host; undefined where the API may be asked (it knows more: pools, versions, capabilities). */
export function whyNoTarget(host: Target, present: { id: string } | null | undefined): string | undefined {
  if (host.id === present?.id) return 'The machine is on it now.';
  return host.state && host.state !== 'UP' ? WHY[host.state] : undefined;
}
