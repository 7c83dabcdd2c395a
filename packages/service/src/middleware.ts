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
  let made: { readonly value: T } | null = null;
  let swallowed: { readonly error: unknown } | null = null;

  const runFrom = async (index: number): Promise<void> => {
    const current = middleware[index];
    if (current === undefined) {
      made = { value: await route() };
      return;
    }
    let rest: Promise<void> | null = null;
    let settled = false;
    await current(ctx, () => {
      if (rest !== null) throw calledTwice();
      rest = runFrom(index + 1);
      rest.then(
        () => (settled = true),
        (error: unknown) => {
          settled = true;
          swallowed = { error };
        },
      );
      return rest;
    });
    if (!settled) await rest;
  };

  await runFrom(0);
  if (made !== null) return made;
  const status = ctx.touchedResponse?.chosenStatus;
  if (status !== null && status !== undefined) return { status };
  // A middleware that catches an error and answers nothing does not hide it.
  throw swallowed === null ? noResponse() : (swallowed as { readonly error: unknown }).error;
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
