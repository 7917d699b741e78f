-- Commands of version 0.1.0 say nothing of programs: what that version began, it has to end.
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM operation WHERE state IN ('RUNNING', 'CANCELLING')) THEN
    RAISE EXCEPTION 'operations are still running: start the version that began them until they have ended, then upgrade';
  END IF;
END $$;
UPDATE "operation" SET "plan" = jsonb_build_object('record', "plan", 'program', '[]'::jsonb);

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
