import type { z } from 'zod';
import { LaunchError, messageOf } from './progress.js';

const REQUEST_DEADLINE_MS = 15_000;

/** One GraphQL request; `shape` checks the `data` part of the answer. */
export interface ApiRequest<Shape extends z.ZodType> {
  readonly document: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly shape: Shape;
}

/** The product's public API as one token sees it. The launcher has no other way in. */
export class PublicApi {
  constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  /** Whether the API accepts this token. */
  async isAccepted(): Promise<boolean> {
    const response = await this.fetchJson({ query: '{ viewer { id } }' });
    return !hasErrors(response);
  }

  /** The checked `data` of the answer. Throws LaunchError with the API's own words for any error. */
  async ask<Shape extends z.ZodType>({ document, variables, shape }: ApiRequest<Shape>): Promise<z.infer<Shape>> {
    const body = await this.fetchJson({ query: document, variables });
    if (hasErrors(body)) throw new LaunchError(`The API refused a request of the launcher: ${JSON.stringify(body.errors)}`);
    const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined;
    const parsed = shape.safeParse(data);
    if (!parsed.success) throw new LaunchError(`The API answered something unexpected: ${parsed.error.message}`);
    return parsed.data;
  }

  private async fetchJson(body: object): Promise<unknown> {
    try {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
      });
      return await response.json();
    } catch (error) {
      throw new LaunchError(`The API at ${this.url} did not answer: ${messageOf(error)}`);
    }
  }
}

function hasErrors(body: unknown): body is { errors: readonly unknown[] } {
  return typeof body === 'object' && body !== null && 'errors' in body && Array.isArray(body.errors) && body.errors.length > 0;
}
