/** What a host must be able to do for full volume snapshots; packages/agent says whether it can. */
export const FULL_VOLUME_SNAPSHOT_CAPABILITY = 'volume-snapshot.full';
