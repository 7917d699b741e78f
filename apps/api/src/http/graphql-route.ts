import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled, ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Principal } from '../access/principal.js';
import type { Application } from '../graphql/application.js';
import { createContext, type GraphQLContext } from '../graphql/context.js';
import { limitsRule, TOO_LARGE } from '../graphql/limits.js';
import { maskError } from '../graphql/masked-errors.js';
import { unauthenticated } from '../graphql/request-errors.js';
import { type PrincipalOfToken, tokenOfRequest } from './callers.js';
import { type EventStreams, wantsEventStream } from './event-stream.js';
import { MAX_TOKENS } from './parse-request.js';

type Wired = { app: Application; schema: GraphQLSchema; principalOfToken: PrincipalOfToken; eventStreams: EventStreams };

/** Adds GET and POST /graphql. Answers how to stop it. */
export async function addGraphqlRoute(server: FastifyInstance, wired: Wired): Promise<() => Promise<void>> {
  const apollo = createApollo(wired);
  await apollo.start();
  const contexts = new WeakMap<FastifyRequest, GraphQLContext>();
  const answer = fastifyApolloHandler(apollo, {
    context: async (request) => {
      const context = contexts.get(request);
      if (!context) throw new Error('a GraphQL request came through without being authenticated');
      return context;
    },
  });
  server.route({
    url: '/graphql',
    method: ['GET', 'POST'],
    // Before Apollo: who asks, and the head of the stream, which must be read before anything that the answer holds.
    preHandler: async (request, reply) => {
      const principal = await callerOf(request, wired.principalOfToken);
      if (principal === null) {
        const error = unauthenticated();
        const { http: _http, ...extensions } = error.extensions;
        const body = JSON.stringify({ errors: [{ message: error.message, extensions }] });
        return reply.code(401).header('www-authenticate', 'Bearer').type('application/json; charset=utf-8').send(body);
      }
      if (wantsEventStream(request)) {
        await wired.eventStreams.handle(request, reply, principal);
        return reply;
      }
      contexts.set(request, await createContext(wired.app, principal));
      return undefined;
    },
    handler: answer,
  });
  return () => apollo.stop();
}

async function callerOf(request: FastifyRequest, principalOfToken: PrincipalOfToken): Promise<Principal | null> {
  const token = tokenOfRequest(request.headers);
  return token === null ? null : principalOfToken(token);
}

function createApollo({ app, schema }: Wired): ApolloServer<GraphQLContext> {
  return new ApolloServer<GraphQLContext>({
    schema,
    validationRules: [limitsRule],
    introspection: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    persistedQueries: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    nodeEnv: 'production',
    logger: app.log,
    // The landing page loads from elsewhere; cache control costs half the speed and nothing of ours can be cached for others.
    plugins: [ApolloServerPluginLandingPageDisabled(), ApolloServerPluginCacheControlDisabled()],
    formatError: (formatted, error) => formatError(formatted, error, app),
  });
}

function formatError(formatted: GraphQLFormattedError, error: unknown, app: Application): GraphQLFormattedError {
  const original = error instanceof GraphQLError ? error : new GraphQLError('', { originalError: toError(error), path: [] });
  // Apollo gives every error of a rule the same code; ours say more.
  const own = original.originalError instanceof GraphQLError ? original.originalError.extensions['code'] : undefined;
  if (own === TOO_LARGE) return { ...formatted, extensions: { ...formatted.extensions, code: own } };
  const shown = maskError(original, app.log);
  return shown === original ? formatted : shown.toJSON();
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
