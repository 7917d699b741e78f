import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents from the public contract. COPPICE_SCHEMA may name another file or URL that holds the schema. */
const config: CodegenConfig = {
  schema: process.env.COPPICE_SCHEMA ?? '../api/schema.graphql',
  documents: ['src/**/*.graphql.ts'],
  importExtension: '',
  generates: {
    './generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { DateTime: 'string', SafeInt: 'number', Cursor: 'string' },
      },
    },
  },
};

export default config;
