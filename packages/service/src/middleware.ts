/**
 * Middleware runs around a route, outermost first, when only the headers have arrived: what it refuses is never read.
 *
 * - `await next()` runs the rest, and rejects with what the rest throws. Headers set on `ctx.response` are sent in any case.
 * - Without `next()`, `ctx.response.status` is the answer: from 400 on as a problem document, below with no body.
 *   Neither `next()` nor a status is a mistake: EKIBEN_MIDDLEWARE_NO_RESPONSE.
 * - `next()` that is not awaited is waited for all the same; a second `next()` throws EKIBEN_MIDDLEWARE_NEXT_TWICE.
 */
import { EkibenError } from '@ekiben/spec';
import type { Context, RequestContext } from './context.ts';

export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void> | void;

/** `value`: what the route made. `status`: a middleware answered in its place. */
export type Outcome<T> = { readonly value: T } | { readonly status: number };

/** @throws what the route or a middleware throws */
export async function runMiddleware<T>(
  middleware: readonly Middleware[],
  ctx: RequestContext,
  route: () => T | Promise<T>,
): Promise<Outcome<T>> {
  const made: { value: T }[] = [];
  const swallowed: { error: unknown }[] = [];

  const runFrom = async (index: number): Promise<void> => {
    const current = middleware[index];
    if (current === undefined) {
      made.push({ value: await route() });
      return;
    }
    const called: Rest[] = [];
    await current(ctx, () => {
      if (called.length > 0) throw calledTwice();
      const rest = new Rest(runFrom(index + 1), swallowed);
      called.push(rest);
      return rest.done;
    });
    if (called[0]?.isSettled === false) await called[0].done;
  };

  await runFrom(0);
  if (made[0] !== undefined) return made[0];
  const status = ctx.touchedResponse?.chosenStatus;
  if (status !== null && status !== undefined) return { status };
  // A middleware that catches an error and answers nothing does not hide it.
  throw swallowed[0] === undefined ? noResponse() : swallowed[0].error;
}

/** What runs inside of a middleware, watched because nobody may wait for it. */
class Rest {
  readonly done: Promise<void>;
  isSettled = false;

  constructor(done: Promise<void>, failures: { error: unknown }[]) {
    this.done = done;
    done.then(
      () => (this.isSettled = true),
      (error: unknown) => {
        this.isSettled = true;
        failures.push({ error });
      },
    );
  }
}

const calledTwice = () =>
  new EkibenError(
    'EKIBEN_MIDDLEWARE_NEXT_TWICE',
    'A middleware called next() twice; the rest of the request runs only once.',
  );

const noResponse = () =>
  new EkibenError(
    'EKIBEN_MIDDLEWARE_NO_RESPONSE',
    'A middleware returned without an answer: it has to call next(), set ctx.response.status, or throw.',
  );
