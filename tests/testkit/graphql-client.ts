/** One entry of a GraphQL answer's `errors`. */
interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string };
}

/** A whole GraphQL answer, its HTTP status beside it. */
export interface GraphqlAnswer<T> {
  readonly status: number;
  readonly data: T | null;
  readonly errors: readonly GraphqlError[];
}

/** A query failed where the test expected data. */
class GraphqlFailure extends Error {
  override readonly name = 'GraphqlFailure';
  readonly errors: readonly GraphqlError[];

  constructor(document: string, answer: GraphqlAnswer<unknown>) {
    const messages = answer.errors.map((error) => `${error.extensions?.code ?? '-'} ${error.message}`).join('; ');
    super(`HTTP ${answer.status}: ${messages} in ${document.replace(/\s+/g, ' ').slice(0, 200)}`);
    this.errors = answer.errors;
  }
}

const REQUEST_DEADLINE_MS = 60_000;

/** Speaks the public API as one token, by plain HTTP: no client library that could hide what is on the wire. */
export class GraphqlClient {
  readonly url: string;
  readonly token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  /** The data of an answer without errors. Throws GraphqlFailure else. The caller states the shape of what it asked for. */
  async ask<T>(document: string, variables: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const answer = await this.send<T>(document, variables);
    if (answer.data === null || answer.errors.length > 0) throw new GraphqlFailure(document, answer);
    return answer.data;
  }

  /** The whole answer, errors included. */
  async send<T>(document: string, variables: Readonly<Record<string, unknown>> = {}): Promise<GraphqlAnswer<T>> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ query: document, variables }),
      signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
    });
    const text = await response.text();
    const body: { data?: T | null; errors?: GraphqlError[] } = JSON.parse(jsonOf(text, response.status));
    return { status: response.status, data: body.data ?? null, errors: body.errors ?? [] };
  }
}

/** A proxy or a crash answers with something else than JSON; the test then says what. */
function jsonOf(text: string, status: number): string {
  if (!text.startsWith('{')) throw new Error(`HTTP ${status}, not JSON: ${text.slice(0, 300)}`);
  return text;
}
