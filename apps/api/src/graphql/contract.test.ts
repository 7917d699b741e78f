import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compareWithContract, strictAdditions } from './contract-check.js';
import { schemaText } from './emit-schema.js';

const contract = readFileSync(new URL('../../../../docs/contract.graphql', import.meta.url), 'utf8');
const emitted = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');

/** What of the contract later versions bring. Whatever is not named here must be there. */
const LATER = [
  /^(Setting|SettingSource|SettingScope|BackupStore|Template|SnapshotPolicy|SnapshotPolicyTarget|Retention|AnySnapshot|AuditEvent)\b/,
  /^(TemplateState|AuditFilter|RetentionInput|PreviewRetentionInput|BackupStoreEdge)\w*\b/,
  /^(Template|SnapshotPolicy|BackupStore|AuditEvent|Retention|Setting|Operation)(Edge|Connection|Payload|Preview)\b/,
  /^(Zone|Cluster)\.settings$/,
  /^(Actor|VmSnapshot|VolumeSnapshot)\.policy$/,
  /^VirtualMachine\.policies$/,
  /^Query\.(templates|snapshotPolicies|previewRetention|settings|backupStores|auditEvents)\b/,
  /^Mutation\.(?!createVmSnapshot|revertToVmSnapshot|updateVmSnapshot|createAccessToken|revokeAccessToken|createProject|setProjectMember|setProjectQuota)(?!assignVirtualMachine|createZone|createCluster|createHostEnrollment|revokeHost|acceptHost|abandonHost|setHost)(?!(start|stop|migrate|resize|destroy|reconcile)VirtualMachine|(attach|detach)Volume)(?!deleteVmSnapshots|flattenVolume|(create|delete|update)VolumeSnapshot|(cancel|retry)Operation)\w+/,
  /^(CloneVmSnapshot|RevertVolume)Input\b/,
  /^(CreateTemplate|TemplateAction|CreateVirtualMachine)Input\b/,
  /^(MigrateVolume|CreateSnapshotPolicy|UpdateSnapshotPolicy|SnapshotPolicyAction)Input\b/,
  /^(UpdateSetting|CreateBackupStore)Input\b/,
];

it('emits what is committed', () => {
  expect(schemaText()).toBe(emitted);
});

it('says nothing otherwise than the contract: same types, nullability, arguments and defaults', () => {
  expect(compareWithContract(contract, emitted).differs).toEqual([]);
  expect(strictAdditions(contract, emitted)).toEqual([]);
});

it('lacks nothing of the contract but what later versions bring', () => {
  const { missing } = compareWithContract(contract, emitted);
  expect(missing.filter((member) => !LATER.some((pattern) => pattern.test(member)))).toEqual([]);
});

it('describes every type, field, argument of ours and enum value', () => {
  const lines = emitted.split('\n');
  const bare = lines.filter((line, at) => /^ {2}\w+(\(|:|$)/.test(line) && !/"""\s*$/.test(lines[at - 1] ?? ''));
  expect(bare.filter((line) => !/^ {2}(input|id): /.test(line))).toEqual([]);
});

it('would see a change that breaks a client', () => {
  const sdl = 'type T { a: Int b(c: Int = 1): [Int!]! } input I { d: Int } enum E { F }';
  const worse = 'type T { a: Int! b(c: Int = 2, g: Int!): [Int!]! } input I { d: Int h: Int! } enum E { G }';
  const { differs, missing } = compareWithContract(sdl, worse);
  expect(differs.map((one) => one.member)).toEqual(['T.a', 'T.b(c)']);
  expect(missing).toEqual(['E.F']);
  expect(strictAdditions(sdl, worse)).toEqual(['T.b(g)', 'I.h']);
});
