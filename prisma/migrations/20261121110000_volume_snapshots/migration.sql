-- CreateEnum
CREATE TYPE "volume_snapshot_kind" AS ENUM ('FULL', 'INCREMENTAL');

-- CreateEnum
CREATE TYPE "volume_snapshot_location" AS ENUM ('PRIMARY', 'SECONDARY');

-- CreateEnum
CREATE TYPE "volume_snapshot_state" AS ENUM ('ALLOCATED', 'CREATING', 'CREATED_ON_PRIMARY', 'BACKING_UP', 'BACKED_UP', 'COPYING', 'REVERTING', 'DESTROYING', 'DESTROYED', 'HIDDEN', 'ERROR');

-- CreateTable
CREATE TABLE "volume_snapshot" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "volume_id" UUID NOT NULL,
    "virtual_machine_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "volume_snapshot_kind" NOT NULL,
    "location" "volume_snapshot_location" NOT NULL,
    "state" "volume_snapshot_state" NOT NULL,
    "locked" BOOLEAN NOT NULL DEFAULT false,
    "consistency" "consistency" NOT NULL,
    "file_pool" TEXT NOT NULL,
    "virtual_bytes" BIGINT NOT NULL,
    "physical_bytes" BIGINT NOT NULL DEFAULT 0,
    "checksum" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" JSONB NOT NULL,
    "error" JSONB,
    "operation_id" UUID,

    CONSTRAINT "volume_snapshot_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "volume_snapshot_project_id_id_idx" ON "volume_snapshot"("project_id", "id");

-- CreateIndex
CREATE INDEX "volume_snapshot_volume_id_id_idx" ON "volume_snapshot"("volume_id", "id");

-- CreateIndex
CREATE INDEX "volume_snapshot_virtual_machine_id_id_idx" ON "volume_snapshot"("virtual_machine_id", "id");

-- AddForeignKey
ALTER TABLE "volume_snapshot" ADD CONSTRAINT "volume_snapshot_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume_snapshot" ADD CONSTRAINT "volume_snapshot_volume_id_fkey" FOREIGN KEY ("volume_id") REFERENCES "volume"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume_snapshot" ADD CONSTRAINT "volume_snapshot_virtual_machine_id_fkey" FOREIGN KEY ("virtual_machine_id") REFERENCES "virtual_machine"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "volume_snapshot" ADD CONSTRAINT "volume_snapshot_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE SET NULL ON UPDATE CASCADE;
