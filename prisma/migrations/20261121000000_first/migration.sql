-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "role" AS ENUM ('VIEWER', 'OPERATOR', 'OWNER', 'ADMIN');

-- CreateEnum
CREATE TYPE "host_state" AS ENUM ('ENROLLED', 'UP', 'DISCONNECTED', 'MAINTENANCE', 'REVOKED');

-- CreateEnum
CREATE TYPE "storage_pool_type" AS ENUM ('LOCAL', 'NFS', 'SHARED_MOUNT_POINT', 'CLVM', 'RBD');

-- CreateEnum
CREATE TYPE "virtual_machine_state" AS ENUM ('RUNNING', 'STOPPED', 'PAUSED', 'SNAPSHOTTING', 'REVERTING', 'MIGRATING', 'DESTROYED', 'UNKNOWN');

-- CreateEnum
CREATE TYPE "power_state" AS ENUM ('ON', 'OFF', 'PAUSED', 'UNKNOWN');

-- CreateEnum
CREATE TYPE "guest_agent_state" AS ENUM ('CONNECTED', 'DISCONNECTED', 'NOT_CONFIGURED');

-- CreateEnum
CREATE TYPE "layer_state" AS ENUM ('PLANNED', 'PRESENT', 'DISCARDING', 'DISCARDED');

-- CreateEnum
CREATE TYPE "vm_snapshot_kind" AS ENUM ('DISK', 'DISK_AND_MEMORY');

-- CreateEnum
CREATE TYPE "consistency" AS ENUM ('CRASH', 'FILESYSTEM', 'MEMORY', 'OFFLINE');

-- CreateEnum
CREATE TYPE "vm_snapshot_state" AS ENUM ('ALLOCATED', 'CREATING', 'READY', 'REVERTING', 'EXPUNGING', 'REMOVED', 'ERROR');

-- CreateEnum
CREATE TYPE "operation_state" AS ENUM ('QUEUED', 'RUNNING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "command_state" AS ENUM ('PENDING', 'SENT', 'FINISHED', 'ABANDONED');

-- CreateTable
CREATE TABLE "user_account" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "is_admin" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "project" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "quota_vm_snapshots" INTEGER,
    "quota_volume_snapshots" INTEGER,
    "quota_snapshot_bytes" BIGINT,

    CONSTRAINT "project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "membership" (
    "project_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "role" "role" NOT NULL,

    CONSTRAINT "membership_pkey" PRIMARY KEY ("project_id","user_id")
);

-- CreateTable
CREATE TABLE "access_token" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "role" "role" NOT NULL,
    "project_id" UUID,
    "user_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "access_token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "zone" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "zone_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "cluster" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "zone_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cluster_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "host" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "cluster_id" UUID NOT NULL,
    "state" "host_state" NOT NULL DEFAULT 'ENROLLED',
    "last_seen_at" TIMESTAMPTZ(3),
    "agent_version" TEXT,
    "libvirt_version" TEXT,
    "qemu_version" TEXT,
    "capabilities" JSONB NOT NULL DEFAULT '[]',
    "disabled_capabilities" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "enrolment_token_hash" BYTEA,
    "enrolment_expires_at" TIMESTAMPTZ(3),
    "public_key" BYTEA,
    "journal_id" UUID,
    "acknowledged_position" BIGINT NOT NULL DEFAULT 0,
    "session_epoch" BIGINT NOT NULL DEFAULT 0,
    "session_replica_id" UUID,
    "last_command_number" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "host_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "storage_pool" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "type" "storage_pool_type" NOT NULL,
    "cluster_id" UUID NOT NULL,
    "host_id" UUID,
    "capacity_bytes" BIGINT,
    "available_bytes" BIGINT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "storage_pool_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "virtual_machine" (
    "id" UUID NOT NULL,
    "domain_uuid" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "project_id" UUID,
    "host_id" UUID NOT NULL,
    "state" "virtual_machine_state" NOT NULL DEFAULT 'UNKNOWN',
    "power_state" "power_state" NOT NULL DEFAULT 'UNKNOWN',
    "guest_agent" "guest_agent_state" NOT NULL DEFAULT 'NOT_CONFIGURED',
    "vcpus" INTEGER NOT NULL,
    "memory_bytes" BIGINT NOT NULL,
    "current_snapshot_id" UUID,
    "head_since" TIMESTAMPTZ(3),
    "tree_revision" INTEGER NOT NULL DEFAULT 0,
    "epoch" BIGINT NOT NULL DEFAULT 0,
    "drift" JSONB,
    "inventory_position" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "virtual_machine_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "volume" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "project_id" UUID,
    "virtual_machine_id" UUID,
    "target" TEXT,
    "pool_id" UUID NOT NULL,
    "virtual_bytes" BIGINT NOT NULL,
    "head_layer_id" UUID,
    "next_layer_number" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "volume_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "layer" (
    "id" UUID NOT NULL,
    "volume_id" UUID NOT NULL,
    "file_name" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "state" "layer_state" NOT NULL,
    "backing_layer_id" UUID,
    "virtual_bytes" BIGINT NOT NULL,
    "allocated_bytes" BIGINT NOT NULL DEFAULT 0,
    "is_frozen" BOOLEAN NOT NULL DEFAULT false,
    "is_template" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "layer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "vm_snapshot" (
    "id" UUID NOT NULL,
    "virtual_machine_id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "kind" "vm_snapshot_kind" NOT NULL,
    "consistency" "consistency" NOT NULL,
    "state" "vm_snapshot_state" NOT NULL,
    "parent_id" UUID,
    "locked" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" JSONB NOT NULL,
    "memory_bytes" BIGINT,
    "definition" JSONB,
    "error" JSONB,
    "operation_id" UUID,

    CONSTRAINT "vm_snapshot_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "snapshot_disk" (
    "id" UUID NOT NULL,
    "snapshot_id" UUID NOT NULL,
    "volume_id" UUID NOT NULL,
    "layer_id" UUID NOT NULL,
    "target" TEXT NOT NULL,

    CONSTRAINT "snapshot_disk_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operation" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "state" "operation_state" NOT NULL,
    "project_id" UUID,
    "virtual_machine_id" UUID,
    "subject_type" TEXT,
    "subject_id" UUID,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "phase" TEXT,
    "plan_hash" TEXT,
    "plan" JSONB NOT NULL,
    "started_by" JSONB NOT NULL,
    "error" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "operation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operation_step" (
    "id" UUID NOT NULL,
    "operation_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "volume_id" UUID,
    "state" "operation_state" NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "operation_step_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "claim" (
    "resource" TEXT NOT NULL,
    "operation_id" UUID NOT NULL,
    "epoch" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "claim_pkey" PRIMARY KEY ("resource")
);

-- CreateTable
CREATE TABLE "command" (
    "id" UUID NOT NULL,
    "host_id" UUID NOT NULL,
    "operation_id" UUID NOT NULL,
    "incarnation" UUID NOT NULL,
    "number" BIGINT NOT NULL,
    "verb" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "machine_id" UUID,
    "machine_epoch" BIGINT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "state" "command_state" NOT NULL DEFAULT 'PENDING',
    "sent_epoch" BIGINT,
    "sent_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "outcome" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "command_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "project_id" UUID NOT NULL,
    "principal" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "body_hash" BYTEA NOT NULL,
    "operation_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("project_id","principal","key")
);

-- CreateTable
CREATE TABLE "event_stream" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "head" BIGINT NOT NULL DEFAULT 0,
    "incarnation" UUID NOT NULL DEFAULT gen_random_uuid(),

    CONSTRAINT "event_stream_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "transition" (
    "id" BIGSERIAL NOT NULL,
    "pos" BIGINT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "project_id" UUID,
    "virtual_machine_id" UUID,
    "subject_type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "from_state" TEXT,
    "to_state" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "reason" TEXT,
    "actor" JSONB NOT NULL,
    "operation_id" UUID,
    "tree_changes" JSONB,

    CONSTRAINT "transition_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "project_id" UUID,
    "actor" JSONB NOT NULL,
    "action" TEXT NOT NULL,
    "subject_id" UUID,
    "subject_name" TEXT,
    "operation_id" UUID,
    "outcome" TEXT NOT NULL,
    "detail" TEXT,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "user_account_email_key" ON "user_account"("email");

-- CreateIndex
CREATE UNIQUE INDEX "project_name_key" ON "project"("name");

-- CreateIndex
CREATE UNIQUE INDEX "access_token_token_hash_key" ON "access_token"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "zone_name_key" ON "zone"("name");

-- CreateIndex
CREATE UNIQUE INDEX "cluster_zone_id_name_key" ON "cluster"("zone_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "host_name_key" ON "host"("name");

-- CreateIndex
CREATE UNIQUE INDEX "host_enrolment_token_hash_key" ON "host"("enrolment_token_hash");

-- CreateIndex
CREATE INDEX "storage_pool_cluster_id_name_idx" ON "storage_pool"("cluster_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "virtual_machine_domain_uuid_key" ON "virtual_machine"("domain_uuid");

-- CreateIndex
CREATE INDEX "virtual_machine_project_id_name_idx" ON "virtual_machine"("project_id", "name");

-- CreateIndex
CREATE INDEX "virtual_machine_host_id_idx" ON "virtual_machine"("host_id");

-- CreateIndex
CREATE UNIQUE INDEX "volume_head_layer_id_key" ON "volume"("head_layer_id");

-- CreateIndex
CREATE INDEX "volume_virtual_machine_id_idx" ON "volume"("virtual_machine_id");

-- CreateIndex
CREATE INDEX "layer_backing_layer_id_idx" ON "layer"("backing_layer_id");

-- CreateIndex
CREATE UNIQUE INDEX "layer_volume_id_file_name_key" ON "layer"("volume_id", "file_name");

-- CreateIndex
CREATE INDEX "vm_snapshot_virtual_machine_id_id_idx" ON "vm_snapshot"("virtual_machine_id", "id");

-- CreateIndex
CREATE INDEX "vm_snapshot_project_id_id_idx" ON "vm_snapshot"("project_id", "id");

-- CreateIndex
CREATE INDEX "vm_snapshot_parent_id_idx" ON "vm_snapshot"("parent_id");

-- CreateIndex
CREATE INDEX "snapshot_disk_layer_id_idx" ON "snapshot_disk"("layer_id");

-- CreateIndex
CREATE UNIQUE INDEX "snapshot_disk_snapshot_id_volume_id_key" ON "snapshot_disk"("snapshot_id", "volume_id");

-- CreateIndex
CREATE INDEX "operation_virtual_machine_id_id_idx" ON "operation"("virtual_machine_id", "id");

-- CreateIndex
CREATE INDEX "operation_project_id_id_idx" ON "operation"("project_id", "id");

-- CreateIndex
CREATE INDEX "operation_state_idx" ON "operation"("state");

-- CreateIndex
CREATE UNIQUE INDEX "operation_step_operation_id_position_key" ON "operation_step"("operation_id", "position");

-- CreateIndex
CREATE INDEX "claim_operation_id_idx" ON "claim"("operation_id");

-- CreateIndex
CREATE INDEX "command_host_id_state_idx" ON "command"("host_id", "state");

-- CreateIndex
CREATE INDEX "command_operation_id_idx" ON "command"("operation_id");

-- CreateIndex
CREATE UNIQUE INDEX "command_host_id_incarnation_number_key" ON "command"("host_id", "incarnation", "number");

-- CreateIndex
CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "transition_pos_key" ON "transition"("pos");

-- CreateIndex
CREATE INDEX "transition_project_id_pos_idx" ON "transition"("project_id", "pos");

-- CreateIndex
CREATE INDEX "transition_virtual_machine_id_pos_idx" ON "transition"("virtual_machine_id", "pos");

-- CreateIndex
CREATE INDEX "transition_subject_id_pos_idx" ON "transition"("subject_id", "pos");

-- CreateIndex
CREATE INDEX "audit_event_project_id_id_idx" ON "audit_event"("project_id", "id");

-- AddForeignKey
ALTER TABLE "membership" ADD CONSTRAINT "membership_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "membership" ADD CONSTRAINT "membership_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "cluster" ADD CONSTRAINT "cluster_zone_id_fkey" FOREIGN KEY ("zone_id") REFERENCES "zone"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "host" ADD CONSTRAINT "host_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "cluster"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "storage_pool" ADD CONSTRAINT "storage_pool_cluster_id_fkey" FOREIGN KEY ("cluster_id") REFERENCES "cluster"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "virtual_machine" ADD CONSTRAINT "virtual_machine_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "virtual_machine" ADD CONSTRAINT "virtual_machine_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "virtual_machine" ADD CONSTRAINT "virtual_machine_current_snapshot_id_fkey" FOREIGN KEY ("current_snapshot_id") REFERENCES "vm_snapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume" ADD CONSTRAINT "volume_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume" ADD CONSTRAINT "volume_virtual_machine_id_fkey" FOREIGN KEY ("virtual_machine_id") REFERENCES "virtual_machine"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume" ADD CONSTRAINT "volume_pool_id_fkey" FOREIGN KEY ("pool_id") REFERENCES "storage_pool"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume" ADD CONSTRAINT "volume_head_layer_id_fkey" FOREIGN KEY ("head_layer_id") REFERENCES "layer"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "layer" ADD CONSTRAINT "layer_volume_id_fkey" FOREIGN KEY ("volume_id") REFERENCES "volume"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "layer" ADD CONSTRAINT "layer_backing_layer_id_fkey" FOREIGN KEY ("backing_layer_id") REFERENCES "layer"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "vm_snapshot" ADD CONSTRAINT "vm_snapshot_virtual_machine_id_fkey" FOREIGN KEY ("virtual_machine_id") REFERENCES "virtual_machine"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "vm_snapshot" ADD CONSTRAINT "vm_snapshot_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "vm_snapshot" ADD CONSTRAINT "vm_snapshot_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "vm_snapshot"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "vm_snapshot" ADD CONSTRAINT "vm_snapshot_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "snapshot_disk" ADD CONSTRAINT "snapshot_disk_snapshot_id_fkey" FOREIGN KEY ("snapshot_id") REFERENCES "vm_snapshot"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "snapshot_disk" ADD CONSTRAINT "snapshot_disk_volume_id_fkey" FOREIGN KEY ("volume_id") REFERENCES "volume"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "snapshot_disk" ADD CONSTRAINT "snapshot_disk_layer_id_fkey" FOREIGN KEY ("layer_id") REFERENCES "layer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_virtual_machine_id_fkey" FOREIGN KEY ("virtual_machine_id") REFERENCES "virtual_machine"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "operation_step" ADD CONSTRAINT "operation_step_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "claim" ADD CONSTRAINT "claim_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "command" ADD CONSTRAINT "command_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "command" ADD CONSTRAINT "command_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;



-- What the Prisma schema cannot say -------------------------------------------------------------------------------------------

-- A shared pool is one per cluster and name, a LOCAL one one per host and name.
CREATE UNIQUE INDEX "storage_pool_shared_name" ON "storage_pool" ("cluster_id", "name") WHERE "host_id" IS NULL;
CREATE UNIQUE INDEX "storage_pool_local_name" ON "storage_pool" ("host_id", "name") WHERE "host_id" IS NOT NULL;

-- Names of snapshots are unique on their machine while they are in the tree.
CREATE UNIQUE INDEX "vm_snapshot_name" ON "vm_snapshot" ("virtual_machine_id", "name") WHERE "state" <> 'REMOVED';

-- The rows that the relay has not numbered yet: always few, so this index is always small.
CREATE INDEX "transition_unnumbered" ON "transition" ("id") WHERE "pos" IS NULL;

INSERT INTO "event_stream" ("id") VALUES (1);
ALTER TABLE "event_stream" ADD CONSTRAINT "event_stream_one_row" CHECK ("id" = 1);

-- The relay: numbers committed transitions that have no position yet, in id order, raises the head, sends one wake-up.
-- Called autocommitted by any replica after a commit; the advisory lock ends with the transaction, so a stopped process
-- that holds no transaction holds no lock. Positions are dense: a reader sees a hole. Volatile and READ COMMITTED on purpose:
-- each statement sees what was committed when it began, so the statement behind the lock sees the round before it.
CREATE FUNCTION coppice_relay(batch integer DEFAULT 5000) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  first bigint;
  numbered bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coppice.relay', 0));
  SELECT head INTO STRICT first FROM event_stream WHERE id = 1;
  WITH waiting AS (
    SELECT id, first + row_number() OVER (ORDER BY id) AS new_pos
    FROM (SELECT id FROM transition WHERE pos IS NULL ORDER BY id LIMIT batch) AS t
  )
  UPDATE transition SET pos = waiting.new_pos FROM waiting WHERE transition.id = waiting.id;
  GET DIAGNOSTICS numbered = ROW_COUNT;
  IF numbered > 0 THEN
    UPDATE event_stream SET head = first + numbered WHERE id = 1;
    PERFORM pg_notify('coppice_events', (first + numbered)::text);
  END IF;
  RETURN first + numbered;
END
$$;
