import { z } from 'zod';
import { LOG_LEVELS } from './platform/log.js';

const PORT = z.coerce.number().int().min(0).max(65_535);

const environment = z.object({
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'is not a postgresql:// URL'),
  COPPICE_API_PORT: PORT.default(4000),
  COPPICE_BIND: z.string().min(1).default('127.0.0.1'),
  COPPICE_BOOTSTRAP_ADMIN_TOKEN_FILE: z.string().min(1).optional(),
  COPPICE_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
});

/** What the process was told by its environment. */
export type Config = {
  databaseUrl: string;
  port: number;
  bind: string;
  bootstrapAdminTokenFile: string | null;
  logLevel: (typeof LOG_LEVELS)[number];
};

/** Reads the environment once. Throws one sentence that names every variable that is wrong, and never a value: it may be a password. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new Error(`The environment is not complete, so nothing was started. ${problems}.`);
  }
  const { DATABASE_URL, COPPICE_API_PORT, COPPICE_BIND, COPPICE_BOOTSTRAP_ADMIN_TOKEN_FILE, COPPICE_LOG_LEVEL } = parsed.data;
  return {
    databaseUrl: DATABASE_URL,
    port: COPPICE_API_PORT,
    bind: COPPICE_BIND,
    bootstrapAdminTokenFile: COPPICE_BOOTSTRAP_ADMIN_TOKEN_FILE ?? null,
    logLevel: COPPICE_LOG_LEVEL,
  };
}
