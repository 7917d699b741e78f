/** GraphQL over server-sent events, distinct connections mode (the protocol of graphql-sse): one request, one stream. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ExecutionResult, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Principal } from '../access/principal.js';
import type { Application } from '../graphql/application.js';
import { executeMasked, subscribeMasked } from '../graphql/execute.js';
import { CATCH_UP_MS, KEEP_ALIVE_MS, MAX_BEHIND_BYTES, MAX_STREAMS } from './limits.js';
import { graphqlRequest, prepare } from './parse-request.js';

/** The open streams of this process. */
export type EventStreams = {
  handle(request: FastifyRequest, reply: FastifyReply, principal: Principal): Promise<void>;
  /** Ends all of them; clients reconnect elsewhere. */
  close(): void;
};

/** Whether the client wants server-sent events. */
export function wantsEventStream(request: FastifyRequest): boolean {
  return request.headers.accept?.split(',').some((type) => type.trim().toLowerCase().startsWith('text/event-stream')) ?? false;
}

/** Makes the handler. */
export function createEventStreams(wired: { app: Application; schema: GraphQLSchema }): EventStreams {
  const open = new Set<AbortController>();
  return {
    async handle(request, reply, principal) {
      if (open.size >= MAX_STREAMS)
        return void reply.code(503).send({ errors: [{ message: 'Too many streams are open. Try again soon.' }] });
      const parsed = graphqlRequest.safeParse(request.method === 'GET' ? queryOf(request) : request.body);
      if (!parsed.success)
        return void reply.code(400).send({ errors: [{ message: 'The request has no `query`, or its variables are no object.' }] });
      const prepared = await prepare(wired, principal, parsed.data);
      if ('errors' in prepared) return send(reply, open, once({ errors: prepared.errors }));
      const { args, operation } = prepared;
      if (operation === OperationTypeNode.MUTATION && request.method === 'GET') {
        return void reply
          .code(405)
          .header('allow', 'POST')
          .send({ errors: [{ message: 'Send mutations by POST.' }] });
      }
      const result =
        operation === OperationTypeNode.SUBSCRIPTION ? await subscribeMasked(wired.app, args) : await executeMasked(args, wired.app.log);
      return send(reply, open, Symbol.asyncIterator in result ? result : once(result));
    },
    close() {
      for (const controller of open) controller.abort();
    },
  };
}

function queryOf(request: FastifyRequest): unknown {
  const { searchParams } = new URL(request.url, 'http://localhost');
  const variables = searchParams.get('variables');
  try {
    const given = variables === null ? null : JSON.parse(variables);
    return { query: searchParams.get('query'), operationName: searchParams.get('operationName'), variables: given };
  } catch {
    return { query: searchParams.get('query'), variables: 'not JSON' };
  }
}

async function* once(result: ExecutionResult): AsyncGenerator<ExecutionResult, void, void> {
  yield result;
}

/** Writes the stream until it ends (with an error where its caller's token does), the client goes, or it is too far behind. */
async function send(reply: FastifyReply, open: Set<AbortController>, results: AsyncGenerator<ExecutionResult, void, void>): Promise<void> {
  const closed = new AbortController();
  const { raw } = reply.hijack();
  open.add(closed);
  const stop = () => closed.abort();
  raw.once('close', stop);
  closed.signal.addEventListener('abort', () => void results.return(), { once: true });
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  // Some browsers tell a page that the stream is open only when the first bytes arrive.
  raw.write(':\n\n');
  const keepAlive = setInterval(() => raw.write(':\n\n'), KEEP_ALIVE_MS);
  try {
    for await (const result of results) {
      if (closed.signal.aborted) break;
      raw.write(`event: next\ndata: ${JSON.stringify(result)}\n\n`);
      if (raw.writableLength > MAX_BEHIND_BYTES && !(await drained(raw))) {
        raw.destroy();
        break;
      }
    }
    raw.end('event: complete\ndata: \n\n');
  } finally {
    clearInterval(keepAlive);
    open.delete(closed);
    closed.abort();
  }
}

/** Whether the client takes what is buffered in time. One that does not is cut off: it resumes from its last cursor. */
function drained(raw: NodeJS.EventEmitter): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (isDrained: boolean) => {
      clearTimeout(timer);
      raw.off('drain', yes);
      raw.off('close', no);
      resolve(isDrained);
    };
    const yes = () => finish(true);
    const no = () => finish(false);
    const timer = setTimeout(no, CATCH_UP_MS);
    raw.once('drain', yes);
    raw.once('close', no);
  });
}
