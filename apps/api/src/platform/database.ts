/** The one door to PostgreSQL. Stores get a Database or a Transaction passed in; nothing else opens connections but listener.ts. */
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from './generated/client.js';

/** The client: each call is a statement of its own. */
export type Database = PrismaClient;
/** Inside one transaction. */
export type Transaction = Prisma.TransactionClient;
/** Where reading alone is meant. */
export type Reader = Database | Transaction;

/** Connections of one process: 20 clients that want the same machine at once wait in the database, not in the pool. */
const POOL_CONNECTIONS = 24;
/** How long opening a connection may take, in milliseconds: a failover's address change is noticed within this. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The longest statement, in milliseconds; every one of ours takes less than a tenth of a second on a sound database. */
const STATEMENT_TIMEOUT_MS = 10_000;
/**
 * The longest pause between two statements of a transaction, in milliseconds. Ours follow each other at once; only a process that was
 * stopped in the middle pauses. Shorter than STATEMENT_TIMEOUT_MS, so that those who wait for its row locks get them and do not fail.
 */
const IDLE_IN_TRANSACTION_MS = 3_000;
/** The longest transaction, in milliseconds. None waits for anything outside the database. */
const TRANSACTION_TIMEOUT_MS = 15_000;

/** Opens the pool. `name` is what pg_stat_activity shows. Connects at the first query; never throws here. */
export function openDatabase(options: { url: string; name: string; lost: (error: Error) => void }): Database {
  const adapter = new PrismaPg(
    {
      connectionString: options.url,
      application_name: options.name,
      max: POOL_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      keepAlive: true,
    },
    { onPoolError: options.lost, onConnectionError: options.lost },
  );
  return new PrismaClient({
    adapter,
    errorFormat: 'minimal',
    transactionOptions: { maxWait: CONNECT_TIMEOUT_MS + STATEMENT_TIMEOUT_MS, timeout: TRANSACTION_TIMEOUT_MS },
  });
}

/** Why a database call failed, as far as the caller may do something about it. */
type DatabaseFailure = 'CONFLICT' | 'DUPLICATE' | 'LOST' | 'OTHER';

const LOST_CODES: ReadonlySet<string> = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P1011']);
/** Connection exceptions, server shutting down, too many connections, statement or idle transaction timed out. */
const LOST_SQL_STATES = /^(08|57P0|53300|57014|25P03)/;

/**
 * CONFLICT: a deadlock or serialisation failure, nothing was done, do it again. DUPLICATE: a unique key is taken. LOST: the connection
 * or the server went; whether a commit was done is not known. OTHER: a bug, or a broken database.
 */
export function databaseFailure(error: unknown): DatabaseFailure {
  const code = field(error, 'code');
  if (code === 'P2034' || code === '40001' || code === '40P01') return 'CONFLICT';
  if (code === 'P2002' || code === '23505') return 'DUPLICATE';
  if (code !== null && (LOST_CODES.has(code) || LOST_SQL_STATES.test(code))) return 'LOST';
  const sqlState = field(field(field(error, 'meta'), 'driverAdapterError', true), 'cause', true);
  const original = field(sqlState, 'originalCode');
  if (original === '40001' || original === '40P01') return 'CONFLICT';
  if (original === '23505') return 'DUPLICATE';
  if (original !== null && LOST_SQL_STATES.test(original)) return 'LOST';
  return /Connection terminated|not queryable|ECONNREFUSED|ECONNRESET|EPIPE|timeout exceeded when trying to connect|Can't reach/i.test(
    String(error),
  )
    ? 'LOST'
    : 'OTHER';
}

function field(value: unknown, key: string): string | null;
function field(value: unknown, key: string, whole: true): unknown;
function field(value: unknown, key: string, whole?: true): unknown {
  if (typeof value !== 'object' || value === null || !(key in value)) return null;
  const found: unknown = Reflect.get(value, key);
  if (whole) return found;
  return typeof found === 'string' ? found : null;
}
