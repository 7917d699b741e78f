import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents from the public contract, which the schema that the API emits contains. COPPICE_SCHEMA may name another file or URL that holds the schema. */
const config: CodegenConfig = {
  schema: process.env.COPPICE_SCHEMA ?? '../../docs/contract.graphql',
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
