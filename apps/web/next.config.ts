import { join } from 'node:path';
import type { NextConfig } from 'next';

const workspace = join(import.meta.dirname, '../..');

/** Addresses and ports are read when the server starts (src/server.ts), never at build time: one build serves any number of instances. */
const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  outputFileTracingRoot: workspace,
  turbopack: { root: workspace },
  images: { unoptimized: true },
};

export default config;
