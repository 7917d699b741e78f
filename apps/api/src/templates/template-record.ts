import { z } from 'zod';
import { copy } from '../volumes/copies/copies.js';

/** What operations createTemplate and deleteTemplate keep (operation.plan). */
export const templateRecord = z.object({ templateId: z.uuid(), copies: z.array(copy) });
export type TemplateRecord = z.infer<typeof templateRecord>;

/** Of a delete nothing is needed but the files. */
export const deletedTemplateRecord = z.object({ templateId: z.uuid(), layerIds: z.array(z.uuid()), wasReady: z.boolean() });

/** The mutations' names, and the kinds of their operations. */
export const CREATE_TEMPLATE = 'createTemplate';
export const DELETE_TEMPLATE = 'deleteTemplate';
