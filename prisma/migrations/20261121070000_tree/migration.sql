-- CreateEnum
CREATE TYPE "merge_state" AS ENUM ('NONE', 'SPOILED', 'REPOINTED');

-- AlterTable
ALTER TABLE "host" ADD COLUMN "migration_uri" TEXT;

-- AlterTable
ALTER TABLE "layer" ADD COLUMN "data_map" TEXT,
ADD COLUMN "measured_at" TIMESTAMPTZ(3),
ADD COLUMN "merge_state" "merge_state" NOT NULL DEFAULT 'NONE',
ADD COLUMN "merged_by" UUID;

-- AlterTable
ALTER TABLE "vm_snapshot" ADD COLUMN "file_pool" TEXT,
ADD COLUMN "has_nvram" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "command" ADD COLUMN "stage" INTEGER,
ADD COLUMN "steps" INTEGER[] DEFAULT ARRAY[]::INTEGER[];
