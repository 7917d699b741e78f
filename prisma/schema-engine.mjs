#!/usr/bin/env node
/**
 * Stand-in for Prisma's native `schema-engine`, so that migrations need no download: the same command line and JSON-RPC on stdio, backed by
 * @prisma/schema-engine-wasm and the driver adapter. prisma.config.ts points PRISMA_SCHEMA_ENGINE_BINARY here. Where the native engine is at hand, set that
 * variable to it: the migrations folder is the same. It must never know anything of Coppice.
 *
 * Five traps solved here: adapter-pg cuts a migration at every semicolon, in comments and in the bodies of functions too; it has no mapping for the type "char"; a connectionString would override `database`, sending shadow-database work to
 * the real database; dropping the shadow database needs FORCE; error JSON on stderr must begin on the second line.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineBindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { Client, escapeIdentifier, Pool } from 'pg';

const CHAR_OID = 18;
const BPCHAR_OID = 1042;
const ADMIN_SHUTDOWN = '57P01';
const DROP_SHADOW = /^\s*DROP DATABASE "?prisma_migrate_shadow_db_[-\w]+"?;?\s*$/i;

const request = readCommandLine(process.argv.slice(2));
if (request.wantsVersion) {
  console.log('schema-engine-cli wasm stand-in');
} else if (request.command !== undefined) {
  await runDatabaseCommand(request.command, request.url);
} else {
  serve();
}

/** The engine's arguments: --datamodels FILE (repeated), --datasource JSON, `cli COMMAND`, --version; every other option takes a value that we do not need. */
function readCommandLine(argv) {
  const result = { datamodels: [], url: undefined, command: undefined, wantsVersion: argv[0] === '--version' };
  for (let index = 0; index < argv.length; index++) {
    if (argv[index] === '--datamodels' || argv[index] === '-d') result.datamodels.push(argv[++index]);
    else if (argv[index] === '--datasource') result.url = JSON.parse(argv[++index]).url;
    else if (argv[index] === 'cli') result.command = argv[++index];
    else index++;
  }
  return result;
}

/** `cli can-connect-to-database | create-database | drop-database`: an exit code, and on failure one line of JSON behind an empty one. */
async function runDatabaseCommand(command, url) {
  const config = connectionConfig(url);
  const name = config.database;
  const isAboutServer = command === 'create-database' || command === 'drop-database';
  const client = new Client(isAboutServer ? { ...config, database: 'postgres' } : config);
  try {
    await client.connect();
    if (command === 'create-database') await createDatabase(client, name);
    if (command === 'drop-database') await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)}`);
    await client.end();
  } catch (error) {
    const codes = { '3D000': 'P1003', '28P01': 'P1000' };
    const fields = { message: error.message, is_panic: false, error_code: codes[error.code] ?? 'P1001' };
    console.error(`\n${JSON.stringify({ timestamp: new Date().toISOString(), level: 'ERROR', fields, target: 'schema_engine::logger' })}`);
    process.exit(1);
  }
}

async function createDatabase(client, name) {
  try {
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
  } catch (error) {
    // Somebody else made it just now: duplicate_database, or the same as a violated unique index.
    if (error.code !== '42P04' && error.code !== '23505') throw error;
  }
}

/** Parsed, not a connectionString: the engine must be able to replace `database`. A host starting with / is a folder of unix sockets. */
function connectionConfig(text) {
  const url = new URL(text);
  return {
    host: decodeURIComponent(url.searchParams.get('host') ?? url.hostname),
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password) || undefined,
    database: decodeURIComponent(url.pathname.slice(1)),
    ...sslConfig(url.searchParams.get('sslmode')),
  };
}

/** libpq's words: `require` encrypts without asking who answers; the verify modes also check the certificate. */
function sslConfig(mode) {
  if (mode === 'require') return { ssl: { rejectUnauthorized: false } };
  if (mode === 'verify-ca' || mode === 'verify-full') return { ssl: { rejectUnauthorized: true } };
  return {};
}

/** Answers JSON-RPC requests, one a line, until stdin ends. */
function serve() {
  patchQueries();
  process.on('uncaughtException', (error) => {
    // The forced drop of the shadow database ends a pooled session of our own.
    if (error.code === ADMIN_SHUTDOWN) return;
    console.error(error);
    process.exit(101);
  });
  let engine;
  const lazyEngine = () => (engine ??= loadEngine());
  const printed = new Map();
  let printId = 0;
  const print = (content) =>
    new Promise((resolve) => {
      printed.set(++printId, resolve);
      send({ id: printId, method: 'print', params: { content } });
    });
  const lines = createInterface({ input: process.stdin });
  const handle = async (message) => send({ id: message.id, ...(await answer(message, { engine: lazyEngine, print })) });
  lines.on('line', (line) => {
    const message = JSON.parse(line);
    // A message without a method answers one of our own prints.
    const resolvePrint = printed.get(message.id);
    if (message.method !== undefined) handle(message).catch((error) => process.emit('uncaughtException', error));
    else if (printed.delete(message.id)) resolvePrint();
  });
  lines.on('close', () => process.exit(0));
}

async function answer(message, { engine, print }) {
  try {
    const result = await call(await engine(), message);
    if (message.method === 'diff' && result?.stdout) await print(result.stdout);
    return { result: result ?? {} };
  } catch (error) {
    const data = { is_panic: false, message: error.message ?? String(error), meta: error.meta ?? null, error_code: error.code ?? null };
    return { error: { code: 4466, message: 'An error happened. Check the data field for details.', data } };
  }
}

async function call(engine, { method, params }) {
  if (method === 'getDatabaseVersion') return engine.version(params);
  if (method === 'createDatabase') return { databaseName: connectionConfig(request.url).database };
  if (typeof engine[method] !== 'function') throw new Error(`the stand-in schema engine does not know ${method}`);
  return engine[method](params);
}

/** The package exports its glue code only; the wasm file lies beside it. */
async function loadEngine() {
  const wasmPath = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm')
    .replace(/schema_engine\.js$/, 'schema_engine_bg.wasm');
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };
  const module = new WebAssembly.Module(readFileSync(wasmPath));
  const names = new Set(WebAssembly.Module.imports(module).map((wanted) => wanted.module));
  const instance = new WebAssembly.Instance(module, Object.fromEntries([...names].map((name) => [name, engineBindings])));
  engineBindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start?.();
  const files = request.datamodels.map((path) => [path, readFileSync(path, 'utf8')]);
  const log = process.env.SCHEMA_ENGINE_DEBUG ? (line) => console.error(line) : () => {};
  const schema = request.url === undefined ? undefined : (new URL(request.url).searchParams.get('schema') ?? undefined);
  const adapter = new PrismaPg(request.url === undefined ? undefined : connectionConfig(request.url), { schema });
  // No files is undefined, not []: the engine takes an empty list for an empty schema.
  return engineBindings.SchemaEngine.new(
    { datamodels: files.length > 0 ? files : undefined },
    log,
    bindMigrationAwareSqlAdapterFactory(withWholeScripts(adapter)),
  );
}

/** PostgreSQL itself knows where a statement ends: a script goes to it in one piece. */
function withWholeScripts(factory) {
  for (const method of ['connect', 'connectToShadowDb']) {
    const connect = factory[method].bind(factory);
    factory[method] = async () => {
      const adapter = await connect();
      adapter.executeScript = async (script) => {
        try {
          await adapter.client.query(script);
        } catch (error) {
          adapter.onError(error);
        }
      };
      return adapter;
    };
  }
  return factory;
}

function patchQueries() {
  for (const kind of [Client, Pool]) {
    const query = kind.prototype.query;
    kind.prototype.query = function (first, ...rest) {
      const result = query.call(this, withForcedDrop(first), ...rest);
      return typeof result?.then === 'function' ? result.then(withMappedChar) : result;
    };
  }
}

function withForcedDrop(first) {
  const text = typeof first === 'string' ? first : first?.text;
  if (!DROP_SHADOW.test(text)) return first;
  const forced = text.replace(/;?\s*$/, ' WITH (FORCE)');
  return typeof first === 'string' ? forced : Object.assign(first, { text: forced });
}

function withMappedChar(result) {
  for (const part of [result].flat()) {
    for (const field of part?.fields ?? []) if (field.dataTypeID === CHAR_OID) field.dataTypeID = BPCHAR_OID;
  }
  return result;
}

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}
