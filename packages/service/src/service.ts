import { EkibenError } from '@ekiben/spec';
import type { AnyMethod } from '@ekiben/spec';
import type { Descriptor } from '@ekiben/io-descriptors';
import type { AnyRunner } from '@ekiben/runners';
import type { Model } from '@ekiben/store';
import { callApi } from './call.ts';
import type { Context } from './context.ts';
import type { ServiceDefinition } from './dispatch.ts';
import { routeConflict } from './dispatch.ts';
import { fetchFrom } from './fetch.ts';
import type { Hook, HookEvent } from './hooks.ts';
import type { Middleware } from './middleware.ts';
import { expressMount, fetchMount } from './mount.ts';
import type { FetchHandler, Mount, NodeHandler } from './mount.ts';
import type { Api } from './route.ts';

/** What a client sends to an API and gets from it; the typed client is made of these. */
export interface ApiShape {
  readonly sends: unknown;
  readonly gets: unknown;
}

/** `T`, as deeply read-only as a handler may return it. */
export type Frozen<T> = T extends readonly (infer U)[]
  ? readonly Frozen<U>[]
  : T extends AnyMethod
    ? T
    : T extends object
      ? { readonly [K in keyof T]: Frozen<T[K]> }
      : T;

export interface ServiceDocs {
  /** @default the service's name */
  readonly title?: string | undefined;
  /** Markdown, such as the README of the service. */
  readonly description?: string | undefined;
  readonly contact?: { readonly name?: string; readonly url?: string; readonly email?: string } | undefined;
}

export interface ServiceOptions<State> {
  /** The runners whose methods the handlers call. */
  readonly runners?: readonly AnyRunner[] | undefined;
  /** Models that are used without a runner, so that a build packs them too. */
  readonly models?: readonly Model<unknown, object>[] | undefined;
  /** What the documentation says of it. */
  readonly docs?: ServiceDocs | undefined;
  /** Makes `ctx.state`, once per process. */
  readonly state?: (() => State | Promise<State>) | undefined;
}

export interface ApiRoute<IW, IV, OW, OV> {
  readonly input: Descriptor<IW, IV>;
  readonly output: Descriptor<OW, OV>;
  /** @default '/' and the name */
  readonly path?: string | undefined;
  /** GET, POST, PUT, PATCH or DELETE. GET has no body: its `input` is `noBody()`. @default 'POST' */
  readonly method?: string | undefined;
  /** A few words, for the documentation. @default none */
  readonly summary?: string | undefined;
  /** More of them, in Markdown. @default none */
  readonly description?: string | undefined;
}

/**
 * An inference service: APIs over runners, as a value. Each of `api` and `use` returns a new one; routes compile at the first
 * request, so a middleware guards the APIs that were there before it, too.
 *
 * @typeParam Apis - what the APIs send and get, by name
 * @typeParam State - the type of `ctx.state`
 */
export class Service<
  Apis extends Record<string, ApiShape> = Record<never, never>,
  State = undefined,
> implements ServiceDefinition {
  // No private member: two copies of this package stay assignable to each other.
  declare readonly '~apis'?: Apis;
  readonly name: string;
  readonly runners: readonly AnyRunner[];
  readonly models: readonly Model<unknown, object>[];
  readonly apis: readonly Api[] = [];
  readonly middleware: readonly Middleware[] = [];
  readonly mounts: readonly Mount[] = [];
  readonly hooks: readonly Hook[] = [];
  readonly docs: ServiceDocs | undefined;
  readonly makeState: (() => State | Promise<State>) | undefined;

  /** @throws EKIBEN_SERVICE_INVALID for a name that is none */
  constructor(name: string, options: ServiceOptions<State> = {}) {
    if (!NAME.test(name)) throw invalid(`Service '${name}': a name ${NAME_RULE}.`);
    this.name = name;
    this.runners = options.runners ?? [];
    this.models = options.models ?? [];
    this.docs = options.docs;
    this.makeState = options.state;
  }

  /**
   * Adds an API. The handler gets the decoded, validated input and returns what the output descriptor encodes.
   * @throws EKIBEN_SERVICE_INVALID for a name, path or method that is none and for an input that GET cannot carry, EKIBEN_ROUTE_CONFLICT for one that is taken
   */
  // `const R extends Frozen<OV>` is needed: with `OV | Promise<OV>`, tsc widens 'DECLINED' to string inside the handler's result.
  api<Name extends string, IW, IV, OW, OV, const R extends Frozen<OV>>(
    name: Name extends keyof Apis ? never : Name,
    route: ApiRoute<IW, IV, OW, OV>,
    handler: (input: NoInfer<IV>, ctx: Context<State>) => R | Promise<R>,
  ): Service<Apis & Record<Name, { readonly sends: IW; readonly gets: OW }>, State> {
    const { input, output, path = `/${name}`, method = 'POST', summary, description } = route;
    const api: Api = { name, summary, description, method, path, input, output, handler };
    check(api, this.apis);
    return derive(this, { apis: [...this.apis, Object.freeze(api)] });
  }

  /** Adds a middleware, inside of those before it. It guards every API and page of the service. */
  use(middleware: Middleware): Service<Apis, State> {
    return derive(this, { middleware: [...this.middleware, middleware] });
  }

  /**
   * Gives all requests under a path, which no API or page of the server has, to an application that answers a Request, such as Hono's
   * `app.fetch`. It sees the whole path.
   * @param path - such as `/admin`; `/` for all that is left
   * @throws EKIBEN_SERVICE_INVALID for a path that is none, EKIBEN_ROUTE_CONFLICT for one that is taken
   */
  mountFetch(path: string, handler: FetchHandler): Service<Apis, State> {
    return mounted(this, path, fetchMount(rootOf(path), handler));
  }

  /**
   * The same for an application of Express, or any function that takes Node's requests. It sees what follows the path, as with
   * `app.use`. It answers behind a server only, not `fetch`.
   */
  mountExpress(path: string, app: NodeHandler): Service<Apis, State> {
    return mounted(this, path, expressMount(rootOf(path), app));
  }

  /** Runs in every process that answers requests, before the first one, when runners and state are ready. What it throws is the start's. */
  onStartup(run: (state: State) => unknown): Service<Apis, State> {
    return hooked(this, 'startup', run);
  }

  /**
   * Runs once for all processes of a server, before any of them takes requests, and again when the service is loaded anew. No runner can
   * be called yet.
   */
  onDeployment(run: () => unknown): Service<Apis, State> {
    return hooked(this, 'deployment', run);
  }

  /** Runs in every process that answers requests, after the last one; the runners can still be called. */
  onShutdown(run: (state: State) => unknown): Service<Apis, State> {
    return hooked(this, 'shutdown', run);
  }

  /**
   * Calls an API as HTTP would, without bytes: validates, runs middleware and handler. What a handler or middleware throws comes out
   * as it is.
   * @throws EkibenError where HTTP answers a problem, such as EKIBEN_INVALID_INPUT with every fault in `details.errors`
   */
  call<K extends keyof Apis & string>(name: K, input: Apis[K]['sends']): Promise<Apis[K]['gets']> {
    return callApi(this, name, input);
  }

  /** Answers a Request, so that the service runs inside Next.js, a Lambda or a test. Never rejects. */
  fetch(request: Request): Promise<Response> {
    return fetchFrom(this, request);
  }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const PATH = /^\/[\w.~!$&'()*+,;=:@%/-]*$/;
/** HEAD and OPTIONS are answered by themselves. */
const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const NAME_RULE = 'has letters, digits, _, . and -, and starts with a letter or digit';

/** A copy of the service with something changed. What it is a service of is the caller's promise. */
function derive<S>(service: ServiceDefinition, changes: Partial<ServiceDefinition>): S {
  return Object.assign(Object.create(Object.getPrototypeOf(service) as object) as object, service, changes) as S;
}

/** A mount's path as it is compared: without a slash at its end. */
const rootOf = (path: string) => (path === '/' ? '' : path);

function mounted<S>(service: ServiceDefinition, path: string, mount: Mount): S {
  if (path !== '/' && (!PATH.test(path) || path.endsWith('/'))) {
    throw invalid(`Mount '${path}': a path starts with /, does not end with one, and has no query and no parameters.`);
  }
  if (service.mounts.some((other) => other.path === mount.path)) throw routeConflict('requests under', path);
  return derive(service, { mounts: [...service.mounts, Object.freeze(mount)] });
}

function hooked<S>(service: ServiceDefinition, on: HookEvent, run: Hook['run']): S {
  return derive(service, { hooks: [...service.hooks, { on, run }] });
}

function check({ name, method, path, input }: Api, others: readonly Api[]): void {
  if (!NAME.test(name)) throw invalid(`API '${name}': a name ${NAME_RULE}.`);
  if (!METHODS.includes(method)) throw invalid(`API '${name}': method '${method}' is none of ${METHODS.join(', ')}.`);
  if (!PATH.test(path)) {
    throw invalid(
      `API '${name}': path '${path}' has to start with / and be a plain URL path, with no query and no parameters.`,
    );
  }
  if (method === 'GET' && input.mediaTypes.length > 0) {
    throw invalid(
      `API '${name}': a GET request has no body, but its input is read from one (${input.mediaTypes.join(', ')}); take POST, or noBody() and ctx.request.query.`,
    );
  }
  if (others.some((other) => other.name === name)) throw invalid(`There is an API '${name}' already.`);
  if (others.some((other) => other.path === path && other.method === method)) throw routeConflict(method, path);
}

const invalid = (message: string) => new EkibenError('EKIBEN_SERVICE_INVALID', message);
