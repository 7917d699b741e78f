-- CreateEnum
CREATE TYPE "template_state" AS ENUM ('CREATING', 'READY', 'DELETING', 'DELETED', 'ERROR');

-- AlterTable
ALTER TABLE "virtual_machine" ADD COLUMN "domain_name" TEXT;

-- CreateTable
CREATE TABLE "template" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "virtual_machine_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "state" "template_state" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" JSONB NOT NULL,
    "definition" JSONB,
    "error" JSONB,

    CONSTRAINT "template_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "template_disk" (
    "id" UUID NOT NULL,
    "template_id" UUID NOT NULL,
    "layer_id" UUID NOT NULL,
    "target" TEXT NOT NULL,

    CONSTRAINT "template_disk_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "template_project_id_id_idx" ON "template"("project_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "template_disk_layer_id_key" ON "template_disk"("layer_id");

-- CreateIndex
CREATE UNIQUE INDEX "template_disk_template_id_target_key" ON "template_disk"("template_id", "target");

-- AddForeignKey
ALTER TABLE "template" ADD CONSTRAINT "template_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template" ADD CONSTRAINT "template_virtual_machine_id_fkey" FOREIGN KEY ("virtual_machine_id") REFERENCES "virtual_machine"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_disk" ADD CONSTRAINT "template_disk_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "template"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_disk" ADD CONSTRAINT "template_disk_layer_id_fkey" FOREIGN KEY ("layer_id") REFERENCES "layer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
