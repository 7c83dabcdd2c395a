/**
 * From a request to its answer: match the route, run its middleware on the headers, then let the route read the body and answer.
 * The listener of `@ekiben/server` and `svc.fetch` both come through here.
 */
import { EkibenError } from '@ekiben/spec';
import { usesCallContext, withCallContext } from '@ekiben/runners';
import type { AnyRunner } from '@ekiben/runners';
import { RequestContext } from './context.ts';
import type { Exchange, Reply, WriteReply } from './exchange.ts';
import { runMiddleware } from './middleware.ts';
import type { Middleware } from './middleware.ts';
import type { Hook } from './hooks.ts';
import { mountFor } from './mount.ts';
import type { Mount } from './mount.ts';
import { excerpt, problemReply, routeNotFound, statusReply } from './problem.ts';
import { respondWith } from './route.ts';
import type { Api, Enter, Respond, Route } from './route.ts';
import type { ServiceDocs } from './service.ts';
import { stateOf } from './state.ts';

/** What of a Service the dispatcher reads: plain data, so that it may come from another copy of this package. */
export interface ServiceDefinition {
  readonly name: string;
  readonly runners: readonly AnyRunner[];
  readonly apis: readonly Api[];
  readonly middleware: readonly Middleware[];
  readonly mounts: readonly Mount[];
  readonly hooks: readonly Hook[];
  readonly docs?: ServiceDocs | undefined;
  readonly makeState: (() => unknown) | undefined;
}

/** A route beside the service's own: documentation, health, metrics. */
export interface SiteRoute<E extends Exchange> {
  readonly path: string;
  /** @default 'GET', which answers HEAD as well */
  readonly method?: string | undefined;
  /** False lets a request past the service's middleware. @default true */
  readonly guarded?: boolean | undefined;
  readonly respond: Respond<E>;
}

/** All routes of one path. */
interface Resource<E extends Exchange> {
  readonly first: { readonly method: string; readonly route: Route<E> };
  readonly routes: Map<string, Route<E>>;
}

export class Dispatcher<E extends Exchange = Exchange> {
  /** By {@link Route.index}. */
  readonly routes: readonly Route<E>[];
  /** Runs a handler so that its runner calls know the request. */
  readonly enter: Enter;
  readonly #service: ServiceDefinition;
  readonly #resources: ReadonlyMap<string, Resource<E>>;
  readonly #mounts: readonly Route<E>[];
  readonly #unmatched: Route<E>;
  #state: { readonly value: unknown } | null = null;

  /** @throws EKIBEN_ROUTE_CONFLICT when two routes have the same method and path */
  constructor(service: ServiceDefinition, site: readonly SiteRoute<E>[] = []) {
    const guard = service.middleware.length === 0 ? null : service.middleware;
    this.enter = callContextFor(service.runners);
    const resources = new Map<string, Resource<E>>();
    const routes: Route<E>[] = [];
    const add = (method: string, route: Omit<Route<E>, 'index'>) => {
      const compiled = Object.freeze({ ...route, index: routes.length });
      routes.push(compiled);
      addTo(resources, method, compiled);
    };
    for (const api of service.apis) {
      add(api.method, { path: api.path, middleware: guard, respond: respondWith(api, this.enter) });
    }
    for (const { path, method = 'GET', guarded = true, respond } of site) {
      add(method, { path, middleware: guarded ? guard : null, respond });
    }
    this.#mounts = service.mounts.map((mount, at) =>
      Object.freeze({ ...mount, index: routes.length + at, middleware: guard }),
    );
    this.#unmatched = Object.freeze({
      index: routes.length + service.mounts.length,
      path: '*',
      middleware: guard,
      respond: (exchange: E) => this.#refuse(exchange),
    });
    this.routes = [...routes, ...this.#mounts, this.#unmatched];
    this.#service = service;
    this.#resources = resources;
  }

  /** Makes the service's state, unless it is there. `run` does so by itself. */
  async start(): Promise<void> {
    this.#state ??= { value: await stateOf(this.#service) };
  }

  get state(): unknown {
    return this.#state?.value;
  }

  /** The route of a request; for one that has none, a route that says so. */
  match(method: string, path: string): Route<E> {
    const resource = this.#resources.get(path);
    if (resource === undefined) return mountFor(this.#mounts, path) ?? this.#unmatched;
    if (resource.first.method === method) return resource.first.route;
    return resource.routes.get(method) ?? this.#unmatched;
  }

  /** The answer, or what writes it. Never rejects: an error is answered as a problem document. */
  async run(route: Route<E>, exchange: E): Promise<Reply | (() => Promise<void>)> {
    if (this.#state === null) {
      try {
        await this.start();
      } catch (error) {
        return problemReply(error, exchange);
      }
    }
    const ctx = new RequestContext(exchange, this.state);
    try {
      if (route.middleware === null) return complete(await route.respond(exchange, ctx), ctx);
      const outcome = await runMiddleware(route.middleware, ctx, () => route.respond(exchange, ctx));
      return complete('value' in outcome ? outcome.value : statusReply(outcome.status), ctx);
    } catch (error) {
      void ctx.usedTempDir?.remove();
      return withHeaders(problemReply(error, exchange), ctx);
    }
  }

  #refuse(exchange: E): Reply {
    const resource = this.#resources.get(exchange.path);
    if (resource === undefined) throw routeNotFound(exchange);
    const allow = [...resource.routes.keys()].join(', ');
    if (exchange.method === 'OPTIONS') {
      return { status: 204, contentType: null, headers: new Headers({ allow }), body: null };
    }
    throw methodNotAllowed(exchange, allow);
  }
}

function addTo<E extends Exchange>(resources: Map<string, Resource<E>>, method: string, route: Route<E>): void {
  const resource = resources.get(route.path) ?? { first: { method, route }, routes: new Map<string, Route<E>>() };
  if (resource.routes.has(method)) throw routeConflict(method, route.path);
  resource.routes.set(method, route);
  if (method === 'GET' && !resource.routes.has('HEAD')) resource.routes.set('HEAD', route);
  resources.set(route.path, resource);
}

/** Status and headers that handler and middleware have set, over the route's own. */
function complete(reply: Reply | WriteReply, ctx: RequestContext): Reply | (() => Promise<void>) {
  const { usedTempDir } = ctx;
  if (typeof reply !== 'function') {
    const answer = touched(reply, ctx);
    return usedTempDir === null ? answer : usedTempDir.removeAfter(answer);
  }
  const write = () => reply(ctx.touchedResponse?.chosenHeaders ?? null);
  return usedTempDir === null ? write : () => write().finally(() => void usedTempDir.remove());
}

function touched(reply: Reply, ctx: RequestContext): Reply {
  const draft = ctx.touchedResponse;
  if (draft === null) return reply;
  return withHeaders(draft.chosenStatus === null ? reply : { ...reply, status: draft.chosenStatus }, ctx);
}

function withHeaders(reply: Reply, ctx: RequestContext): Reply {
  const chosen = ctx.touchedResponse?.chosenHeaders;
  if (chosen === null || chosen === undefined) return reply;
  const headers = new Headers(chosen);
  for (const [name, value] of reply.headers ?? []) {
    if (name === 'set-cookie') headers.append(name, value);
    else headers.set(name, value);
  }
  return { ...reply, headers };
}

/** Runner calls need to know the request only where they leave the process or wait; elsewhere nothing is spent on it. */
function callContextFor(runners: readonly AnyRunner[]): Enter {
  return (ctx, scope) => (runners.some(usesCallContext) ? withCallContext(ctx.callContext, scope) : scope());
}

function methodNotAllowed({ method, path }: Exchange, allow: string): EkibenError {
  return new EkibenError('EKIBEN_METHOD_NOT_ALLOWED', `${excerpt(path)} takes ${allow}, not ${method}.`, {
    details: { allow },
  });
}

export function routeConflict(method: string, path: string): EkibenError {
  return new EkibenError(
    'EKIBEN_ROUTE_CONFLICT',
    `Two routes answer ${method} ${path}; give one of them another path.`,
  );
}

const dispatchers = new WeakMap<ServiceDefinition, Dispatcher>();

/** The dispatcher of a service that is used without a server; made at the first use. */
export function dispatcherOf(service: ServiceDefinition): Dispatcher {
  let dispatcher = dispatchers.get(service);
  if (dispatcher === undefined) dispatchers.set(service, (dispatcher = new Dispatcher(service)));
  return dispatcher;
}
